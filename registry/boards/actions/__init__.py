"""Writing the boards: meetings, agenda, recommendations, and what becomes of them."""
