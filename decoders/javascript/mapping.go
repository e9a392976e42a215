package javascript

type Mapping struct{}
