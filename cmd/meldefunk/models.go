package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/decoders"
	"meldefunk/decoders/javascript"
)

// models are all sensor models that can be read: those the program knows, and those for
// which the operator has put JavaScript codecs into the codec folder. It does not change
// after it was read.
type models struct {
	native  *decoders.Table
	codecs  map[string]javascript.Model
	sandbox *javascript.Sandbox // nil: codecs can be named, not run
}

// nativeModels are those the program knows.
func nativeModels() *models { return &models{native: decoders.New()} }

// loadModels adds the codecs of a folder, if there is one, and gives every problem.
func loadModels(folder string, sandbox *javascript.Sandbox) (*models, error) {
	m := &models{native: decoders.New(), codecs: map[string]javascript.Model{}, sandbox: sandbox}
	if folder == "" {
		return m, nil
	}
	list, err := javascript.LoadFolder(folder)
	errs := []error{err}
	for _, c := range list {
		if m.native.Knows(c.Name) {
			errs = append(errs, fmt.Errorf("%s: model %s is read natively: give the codec's model another name, like %s-js", c.File, c.Name, c.Name))
		}
		m.codecs[c.Name] = c
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return m, nil
}

// Models lists every model, sorted.
func (m *models) Models() []string {
	all := m.native.Models()
	for name := range m.codecs {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// Knows tells whether the model can be read.
func (m *models) Knows(model string) bool {
	_, ok := m.codecs[model]
	return ok || m.native.Knows(model)
}

// Kinds lists the kinds of assets that the model is of use on; nothing for an unknown model.
// A codec is for the one its mapping names.
func (m *models) Kinds(model string) []city.Kind {
	if c, ok := m.codecs[model]; ok {
		return []city.Kind{c.Kind}
	}
	return m.native.Kinds(model)
}

// Measures tells whether readings of an asset with a device of the model can say a quantity.
func (m *models) Measures(model string, a *city.Asset, q city.Quantity) bool {
	carried, kind := m.native.Carries(model), m.native.Kind(model)
	if c, ok := m.codecs[model]; ok {
		carried, kind = c.Codec.Carries(), c.Kind
	}
	return slices.Contains(decoders.Told(kind, a, carried), q)
}

// Lane lets the devices of one codec wait for each other and for nobody else.
func (m *models) Lane(model string) string {
	if _, ok := m.codecs[model]; ok {
		return model
	}
	return ""
}

// Decode reads a payload, natively or with a codec in the sandbox; the asset's calibration
// counts for both.
func (m *models) Decode(d *city.Device, a *city.Asset, u *city.Uplink, r *city.Reading) error {
	c, ok := m.codecs[d.Model]
	if !ok {
		return m.native.Decode(d, a, u, r)
	}
	if m.sandbox == nil {
		return errors.New("no sandbox to run codecs in")
	}
	// The sandbox has limits of its own for everything that takes time.
	result, err := m.sandbox.Decode(context.Background(), c.Codec, u.FPort, u.Payload, u.Time.At)
	if err != nil {
		return err
	}
	r.Values, r.Faults = result.Values, result.Faults
	if err := keepRaw(r, result.Unmapped); err != nil {
		return fmt.Errorf("codec %s: %w", c.Codec.Name(), err)
	}
	decoders.Calibrate(c.Kind, a, r)
	return nil
}

// keepRaw keeps what no field of the mapping is for. Where it is too much, the reading is
// partial: the frame has it still.
func keepRaw(r *city.Reading, unmapped map[string]any) error {
	if len(unmapped) == 0 {
		return nil
	}
	text, err := json.Marshal(unmapped)
	if err != nil {
		return err
	}
	if len(text) > city.MaxRaw {
		r.Faults = append(r.Faults, city.FaultUnparsedTail)
		return nil
	}
	r.Raw = text
	return nil
}

// openSandbox makes what codecs run in; nil where none are configured. Each worker is this
// same program. now is as in javascript.New.
func openSandbox(s codecSettings, now func() time.Time, log zerolog.Logger, reg prometheus.Registerer) (*javascript.Sandbox, error) {
	if s.Folder == "" {
		return nil, nil
	}
	command, err := codecWorkerProcess(s.Config)
	if err != nil {
		return nil, err
	}
	return javascript.New(s.Config, command, now, log, reg)
}
