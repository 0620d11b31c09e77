def bindings(header): return ''
