package bridge

import (
	"meldefunk/gateway-bridge/chirpstack"
	"meldefunk/gateway-bridge/thethings"
)

// Dialects lists what can be configured. One more network server is one more folder and
// one more line here.
func Dialects() []Dialect {
	return []Dialect{
		chirpstack.V4{},
		chirpstack.V3{},
		chirpstack.Gateway{},
		thethings.V3{},
	}
}

func dialect(name string) (Dialect, bool) {
	for _, d := range Dialects() {
		if d.Name() == name {
			return d, true
		}
	}
	return nil, false
}

func dialectNames() []string {
	var names []string
	for _, d := range Dialects() {
		names = append(names, d.Name())
	}
	return names
}
