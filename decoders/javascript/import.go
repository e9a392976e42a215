package javascript

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"meldefunk/city"
)

// Import says what to import and where to.
type Import struct {
	From   string                  // a checkout of the LoRaWAN Device Repository
	Into   string                  // the codec folder; made if it is missing
	DryRun bool                    // write nothing
	Skip   func(model string) bool // models that are read already; nil: none
	Step   func(done, of int)      // called after each vendor; nil: nobody looks
}

// ImportReport says what an import did.
type ImportReport struct {
	Models       []ImportedModel `json:"models"`
	Written      int             `json:"written"`       // files that are new
	Unchanged    int             `json:"unchanged"`     // files that were there, with the same content
	Kept         []string        `json:"kept"`          // files that were there with other content, and stay
	Skipped      []string        `json:"skipped"`       // models that are read already
	WithoutCodec int             `json:"without_codec"` // devices for which the repository has none
	Failures     []string        `json:"failures"`      // "file:line: what is wrong", or "vendor/codec: what"
}

// ImportedModel is a model that has a mapping now.
type ImportedModel struct {
	Model  string   `json:"model"`
	File   string   `json:"file"`
	Codec  string   `json:"codec"`
	Kind   string   `json:"kind,omitempty"` // "": for a person to fill in
	Mapped []string `json:"mapped"`         // "field=quantity"
	Raw    []string `json:"raw"`
}

// Import makes the codecs of a device repository available: it writes the scripts and a
// mapping for each device model, vendor/device, where the newest firmware counts, and
// vendor/device.codec for each further codec that older firmware or other regions need. The
// mappings are drafts: LoadFolder passes over them until a person has set reviewed to true.
// What is there already is never written over. What is wrong with a vendor, device or codec
// is in the report, and the rest goes on; the error is about the folders, or ctx.
func (s *Sandbox) Import(ctx context.Context, im Import) (ImportReport, error) {
	r, err := openRepository(im.From)
	if err != nil {
		return ImportReport{}, err
	}
	defer r.root.Close()
	vendors, err := r.vendors()
	if err != nil {
		return ImportReport{}, err
	}
	w := importer{Import: im, sandbox: s, repository: r, codecs: map[string]*tried{}, written: map[string]bool{}}
	w.report = ImportReport{Models: []ImportedModel{}, Kept: []string{}, Skipped: []string{}, Failures: []string{}}
	for i, vendor := range vendors {
		if err := w.vendor(ctx, vendor); err != nil {
			return w.report, err
		}
		if im.Step != nil {
			im.Step(i+1, len(vendors))
		}
	}
	return w.report, nil
}

type importer struct {
	Import
	sandbox    *Sandbox
	repository *repository
	codecs     map[string]*tried // by vendor and id
	written    map[string]bool   // files of this import, which models share
	report     ImportReport
}

// tried is a codec and what came of its examples.
type tried struct {
	repositoryCodec
	found  []finding
	failed bool // told already
}

func (w *importer) fail(err error) {
	w.report.Failures = append(w.report.Failures, err.Error())
}

// vendor imports the devices of one vendor. Errors are those that end the import.
func (w *importer) vendor(ctx context.Context, vendor string) error {
	devices, problems := w.repository.devices(vendor)
	for _, p := range problems {
		w.fail(p)
	}
	for _, d := range devices {
		if len(d.codecs) == 0 {
			w.report.WithoutCodec++
		}
		for i, id := range d.codecs {
			model := vendor + "/" + d.id
			if i > 0 {
				model += "." + id
			}
			if w.Skip != nil && w.Skip(model) {
				w.report.Skipped = append(w.report.Skipped, model)
				continue
			}
			c, err := w.codec(ctx, vendor, id)
			if err != nil {
				return err
			}
			if c.failed {
				continue
			}
			if err := w.model(model, d, id, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// codec reads and tries a codec, once.
func (w *importer) codec(ctx context.Context, vendor, id string) (*tried, error) {
	key := vendor + "/" + id
	if c, ok := w.codecs[key]; ok {
		return c, nil
	}
	c := &tried{failed: true}
	w.codecs[key] = c
	var err error
	if c.repositoryCodec, err = w.repository.codec(vendor, id); err != nil {
		w.fail(err)
		return c, nil
	}
	codec, err := NewCodec(w.repository.shown(c.script), c.source, false, Mapping{})
	if err == nil {
		err = w.sandbox.Compile(ctx, codec)
	}
	var outcomes []outcome
	for _, x := range c.examples {
		if err != nil {
			break
		}
		var o outcome
		var ok bool
		o, ok, err = w.try(ctx, codec, x)
		if ok {
			outcomes = append(outcomes, o)
		}
	}
	if ctx.Err() != nil {
		return c, fmt.Errorf("import stopped: %w", ctx.Err())
	}
	if err != nil {
		w.fail(err)
		return c, nil
	}
	c.found, c.failed = guess(outcomes), false
	return c, nil
}

// try runs one example. That it gives an error is no news: examples of wrong payloads do.
func (w *importer) try(ctx context.Context, codec *Codec, x repositoryExample) (outcome, bool, error) {
	at, err := readTime(x.at)
	if err != nil {
		return outcome{}, false, nil
	}
	out, err := w.sandbox.Output(ctx, codec, x.port, x.payload, at)
	var refused *city.Rejection
	if errors.As(err, &refused) || err == nil && len(out.Errors) > 0 {
		return outcome{}, false, nil
	}
	if err != nil {
		return outcome{}, false, err
	}
	o := outcome{data: out.Data}
	if n := out.Normalized; n != nil {
		// One measurement, alone or in a list; of several nobody knows which field is whose.
		if l, ok := n.([]any); ok && len(l) == 1 {
			n = l[0]
		}
		if m, ok := n.(map[string]any); ok {
			o.normalized = map[string]any{}
			flatten("", m, o.normalized)
		}
	}
	return o, true, nil
}

// model writes the script and the mapping of a model.
func (w *importer) model(model string, d repositoryDevice, id string, c *tried) error {
	below, err := filepath.Rel(filepath.FromSlash(path.Join("vendor", d.vendor)), filepath.FromSlash(c.script))
	if err != nil {
		return err
	}
	script := filepath.Join(w.Into, d.vendor, below)
	file := filepath.Join(w.Into, filepath.FromSlash(model)+".yaml")
	if err := w.write(script, c.source); err != nil {
		return err
	}
	if err := w.write(file, draft(model, filepath.ToSlash(below), d, id, len(c.examples), c.found)); err != nil {
		return err
	}
	m := ImportedModel{Model: model, File: file, Codec: id, Mapped: []string{}, Raw: []string{}}
	if kind := kindBy(c.found); kind != city.KindUnknown {
		m.Kind = kind.String()
	}
	for _, f := range c.found {
		if f.field.Quantity == city.QuantityUnknown {
			m.Raw = append(m.Raw, f.field.Path)
		} else {
			m.Mapped = append(m.Mapped, f.field.Path+"="+f.field.Quantity.String())
		}
	}
	w.report.Models = append(w.report.Models, m)
	return nil
}

// write writes a file that is not there. One that several models share is counted once.
func (w *importer) write(file string, text []byte) error {
	if w.written[file] {
		return nil
	}
	w.written[file] = true
	there, err := os.ReadFile(file)
	switch {
	case err == nil && bytes.Equal(there, text):
		w.report.Unchanged++
		return nil
	case err == nil:
		w.report.Kept = append(w.report.Kept, file)
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	w.report.Written++
	if w.DryRun {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return writeWhole(file, text)
}

// writeWhole writes a file so that it is there whole or not at all.
func writeWhole(file string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(file), ".import-*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
