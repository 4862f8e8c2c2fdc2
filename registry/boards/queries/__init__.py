"""Reading the boards: who may know of a meeting, and of its cases."""
