module github.com/librustml/librustml/examples/go

go 1.25.0

require github.com/librustml/librustml/bindings/go v0.0.0

require github.com/ebitengine/purego v0.11.3 // indirect

replace github.com/librustml/librustml/bindings/go => ../../bindings/go
