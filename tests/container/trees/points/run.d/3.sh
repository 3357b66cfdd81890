point 3
