"""How this is derived, as pages; and where patients find support, country by country."""
