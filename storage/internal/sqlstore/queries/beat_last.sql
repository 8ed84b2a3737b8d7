SELECT at FROM beats WHERE id = 1
