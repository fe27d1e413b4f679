"""Files of other tools, turned into descriptions of the twin; nothing of theirs is executed."""
