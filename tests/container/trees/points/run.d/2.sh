point 2
