def native(header): return ''
