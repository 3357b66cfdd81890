point 1
