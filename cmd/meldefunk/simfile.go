package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"go.yaml.in/yaml/v3"

	"meldefunk/decoders"
	sim "meldefunk/firmware-sim"
	"meldefunk/firmware-sim/events"
)

// simFile is a city in a file.
type simFile struct {
	sim.Config `yaml:",inline"`
	// Dialect is that of the network server the city pretends to have.
	Dialect string `yaml:"dialect"`
	// Frames is the dialect in which gateways publish each frame too, as the ChirpStack
	// Gateway Bridge does; empty: they do not.
	Frames string `yaml:"frames"`
}

func defaultSimFile() simFile {
	return simFile{Config: sim.DefaultConfig(), Dialect: "chirpstack-v4"}
}

// loadSimFile reads a city over the defaults and gives every problem with file and line.
// No path: the city of the demo.
func loadSimFile(path string) (simFile, error) {
	f := defaultSimFile()
	if path == "" {
		return f, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return f, usageError{fmt.Errorf("read the city: %w", err)}
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return f, usageError{explainYAML(path, err)}
	}
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		return f, usageError{explainYAML(path, err)}
	}
	var problems []problem
	for _, err := range flatten(f.validate()) {
		problems = append(problems, problem{err: err})
	}
	if err := locate(path, &root, problems); err != nil {
		return f, usageError{err}
	}
	return f, nil
}

func (f *simFile) validate() error {
	errs := []error{f.Validate()}
	if simServer(f.Dialect) == nil {
		errs = append(errs, fmt.Errorf("dialect: is %.40q: want one of %v", f.Dialect, simDialects()))
	}
	if f.Frames != "" && simBridge(f.Frames) == nil {
		errs = append(errs, fmt.Errorf("frames: is %.40q: want chirpstack-v4, chirpstack-v4-json or chirpstack-v3, or nothing", f.Frames))
	}
	return errors.Join(errs...)
}

func simDialects() []string {
	return []string{"chirpstack-v4", "chirpstack-v4-protobuf", "chirpstack-v3", "the-things-stack-v3"}
}

// simServer is the network server that a city pretends to have, nil for an unknown one.
func simServer(dialect string) events.Server {
	switch dialect {
	case "chirpstack-v4":
		return events.V4{}
	case "chirpstack-v4-protobuf":
		return events.V4Protobuf{}
	case "chirpstack-v3":
		return events.V3{}
	case "the-things-stack-v3":
		return events.Things{}
	}
	return nil
}

// simBridge is how its gateways speak MQTT, nil for an unknown way.
func simBridge(dialect string) events.Bridge {
	switch dialect {
	case "chirpstack-v4":
		return events.BridgeV4{Prefix: "eu868"}
	case "chirpstack-v4-json":
		return events.BridgeV4{Prefix: "eu868", Encoding: events.JSONOfForwarder}
	case "chirpstack-v3":
		return events.BridgeV3{}
	}
	return nil
}

// play is the city with all that a play needs but a manifest.
func (f *simFile) play(city *sim.City) sim.Play {
	return sim.Play{City: city, Encoder: decoders.New(), Server: simServer(f.Dialect), Bridge: simBridge(f.Frames)}
}
