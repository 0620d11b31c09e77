def raw(header): return ''
