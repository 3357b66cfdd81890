point 4
