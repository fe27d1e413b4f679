"""The pages and figures of finished runs. Knows results only."""
