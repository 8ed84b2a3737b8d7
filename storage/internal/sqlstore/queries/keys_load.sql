SELECT sealed, version FROM keys WHERE id = 1
