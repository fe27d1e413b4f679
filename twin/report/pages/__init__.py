"""The pages of a report: HTML, Markdown, terminal and notebook."""
