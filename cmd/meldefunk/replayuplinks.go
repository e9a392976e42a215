package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"meldefunk/city"
	"meldefunk/pipeline"
)

// redoOptions choose the stored uplinks to decode again, as text from the command line.
type redoOptions struct {
	uplinks, dry            bool
	device, model, from, to string
}

func (o *redoOptions) flags(c *cobra.Command) {
	f := c.Flags()
	f.BoolVar(&o.uplinks, "uplinks", false, "decode stored uplinks again")
	f.StringVar(&o.device, "device", "", "only this `DevEUI`")
	f.StringVar(&o.model, "model", "", "only devices of this `model`")
	f.StringVar(&o.from, "from", "", "only uplinks from this `time` on, like 2026-11-21 or 2026-11-21T14:00:00Z")
	f.StringVar(&o.to, "to", "", "only uplinks before this `time`")
	f.BoolVar(&o.dry, "dry-run", false, "show what would change, and change nothing")
}

// redoWhich is redoOptions understood.
type redoWhich struct {
	pipeline.Which
	devEUI city.EUI // zero: all
	model  string
	dry    bool
}

// which reads the options; nil: none was given.
func (o *redoOptions) which() (*redoWhich, error) {
	if *o == (redoOptions{}) {
		return nil, nil
	}
	w := &redoWhich{model: o.model, dry: o.dry}
	var errs []error
	if o.device != "" {
		var err error
		w.devEUI, err = city.ParseEUI(o.device)
		errs = append(errs, err)
	}
	for _, t := range []struct {
		flag, text string
		into       *time.Time
	}{{"--from", o.from, &w.From}, {"--to", o.to, &w.To}} {
		if t.text == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339, t.text)
		if err != nil {
			at, err = time.Parse(time.DateOnly, t.text)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %q is no time: want 2026-11-21 or 2026-11-21T14:00:00Z", t.flag, t.text))
		}
		*t.into = at
	}
	return w, errors.Join(errs...)
}

// redo decodes stored uplinks again and prints what changes, a line each.
func redo(ctx context.Context, path string, which redoWhich, out, logTo io.Writer) error {
	at, err := openOffline(ctx, path, logTo)
	if err != nil {
		return err
	}
	return at.work(ctx, func(ctx context.Context) error { return at.redo(ctx, which, out) })
}

func (at *offline) redo(ctx context.Context, which redoWhich, out io.Writer) error {
	devices, changed, failed := 0, 0, 0
	all, err := at.everHung(ctx)
	if err != nil {
		return err
	}
	for _, a := range at.files.Assets() {
		chosen := slices.DeleteFunc(all[a.ID], func(d *city.Device) bool {
			return !which.devEUI.IsZero() && d.DevEUI != which.devEUI || which.model != "" && d.Model != which.model
		})
		if len(chosen) == 0 {
			continue
		}
		devices += len(chosen)
		err := at.road.Redo(ctx, at.store, a, chosen, which.Which, which.dry, func(c pipeline.Change) error {
			if c.Err != nil {
				failed++
			} else {
				changed++
			}
			_, err := fmt.Fprintln(out, changeLine(&c))
			return err
		})
		if err != nil {
			return fmt.Errorf("asset %s: %w", a.ID, err)
		}
	}
	if devices == 0 {
		return usageError{errors.New("no device of the inventory fits --device and --model")}
	}
	verb := "changed"
	if which.dry {
		verb = "would change"
	}
	_, err = fmt.Fprintf(out, "%d devices, %d readings %s, %d can no longer be decoded and stay as they are\n", devices, changed, verb, failed)
	return err
}

// everHung lists, by asset, the devices that hang there, that hung there once, and those of
// the register whose readings stand there though they never did.
func (at *offline) everHung(ctx context.Context) (map[string][]*city.Device, error) {
	all, kept := map[string][]*city.Device{}, map[city.EUI]*city.Device{}
	add := func(asset string, d *city.Device) {
		if !slices.Contains(all[asset], d) {
			all[asset] = append(all[asset], d)
		}
	}
	at.files.current.Load().inventory.Each(func(d *city.Device, hangs city.Hangings) {
		for _, h := range hangs {
			add(h.Asset.ID, d)
		}
		if hangs.Told() {
			kept[d.DevEUI] = d
		}
	})
	read, err := at.store.DevicesRead(ctx)
	if err != nil {
		return nil, err
	}
	for asset, euis := range read {
		for _, devEUI := range euis {
			if d := kept[devEUI]; d != nil {
				add(asset, d)
			}
		}
	}
	for _, devices := range all {
		slices.SortFunc(devices, func(a, b *city.Device) int { return slices.Compare(a.DevEUI[:], b.DevEUI[:]) })
	}
	return all, nil
}

// changeLine says what changes: time, device, asset, then each value before and after.
func changeLine(c *pipeline.Change) string {
	r := c.New
	if r == nil {
		r = c.Old
	}
	line := fmt.Sprintf("%s %s %s", r.Time.At.Format(time.RFC3339), r.DevEUI, r.Asset)
	if c.Err != nil {
		return line + " stays: " + c.Err.Error()
	}
	var parts []string
	for _, q := range city.Quantities() {
		before, after := "-", "-"
		if c.Old != nil {
			before = shown(c.Old, q)
		}
		if c.New != nil {
			after = shown(c.New, q)
		}
		if before != after {
			parts = append(parts, fmt.Sprintf("%s %s→%s", q, before, after))
		}
	}
	if before, after := faultsOf(c.Old), faultsOf(c.New); before != after {
		parts = append(parts, fmt.Sprintf("faults %s→%s", before, after))
	}
	if len(parts) == 0 {
		parts = []string{"what was not understood or not mapped"} // tail, raw fields, model
	}
	return line + " " + strings.Join(parts, ", ")
}

func faultsOf(r *city.Reading) string {
	if r == nil || len(r.Faults) == 0 {
		return "-"
	}
	var names []string
	for _, f := range r.Faults {
		names = append(names, string(f))
	}
	return strings.Join(names, "+")
}

func shown(r *city.Reading, q city.Quantity) string {
	n, ok := r.Value(q)
	if !ok {
		return "-"
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}
