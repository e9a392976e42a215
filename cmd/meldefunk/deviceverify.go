package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"meldefunk/city"
	"meldefunk/city/register"
	"meldefunk/decoders/javascript"
	"meldefunk/devices/keys"
	"meldefunk/storage/sqlite"
)

// verifyEvery is how often it is looked whether a device has come further.
const verifyEvery = 2 * time.Second

func deviceVerifyCommand() *cobra.Command {
	var path string
	var wait time.Duration
	var asJSON bool
	c := &cobra.Command{
		Use:   "verify DEVICE...",
		Short: "Wait for the first reading of devices, and say what is missing",
		Long: `Look how far devices are on their way from the box to the first reading: known, told to
the network server, joined, heard (by which gateway), decoded, calibrated. With --wait it
is looked again until all of them have come through, or the time is over. What is
missing is said with what to do about it. The last uplink of a device that hangs nowhere
yet is decoded too, so that it can be tried on the workbench. Works beside a running
platform.

Exit code 0: all devices have come through, 3: some have not, 1: none has.`,
		Args:              someDevices,
		ValidArgsFunction: completeDevices,
		RunE: func(c *cobra.Command, args []string) error {
			return verify(c.Context(), path, args, wait, asJSON, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	configFlag(c, &path)
	c.Flags().DurationVar(&wait, "wait", 0, "wait at most so `long`, like 30m (default: look once)")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON, a device a line")
	return c
}

// someDevices wants devices.
func someDevices(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usageError{fmt.Errorf("%s: which device? Give its DevEUI, the number of its asset or its serial number; meldefunk device list shows them", c.CommandPath())}
	}
	return nil
}

// verified is how far a device is, as JSON.
type verified struct {
	DevEUI string         `json:"dev_eui"`
	Asset  string         `json:"asset,omitempty"`
	OK     bool           `json:"ok"`
	Steps  []verifiedStep `json:"steps"`
}

// verifiedStep is one thing that a device needs before its readings count.
type verifiedStep struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	Text string `json:"text"`           // what is known
	Hint string `json:"hint,omitempty"` // what to do, where it is not ok
}

func verify(ctx context.Context, path string, names []string, wait time.Duration, asJSON bool, out, progress io.Writer) error {
	if wait < 0 {
		return usageError{fmt.Errorf("--wait %v: want a length above 0, like 30m", wait)}
	}
	began := time.Now()
	b := newBar(progress)
	defer b.end()
	for {
		found, err := verifyOnce(ctx, path, names, time.Now())
		if err != nil {
			return err
		}
		through := len(slices.DeleteFunc(slices.Clone(found), func(v verified) bool { return !v.OK }))
		left := wait - time.Since(began)
		if through == len(found) || left <= 0 {
			b.end()
			return errors.Join(printVerified(out, found, asJSON), verdictOf(through, len(found)))
		}
		b.show(float64(through)/float64(len(found)), fmt.Sprintf("%d of %d devices, waiting for %s; %v left", through, len(found), firstMissing(found), left.Round(time.Second)))
		select {
		case <-ctx.Done():
			b.end()
			return errors.Join(printVerified(out, found, asJSON), ctx.Err())
		case <-time.After(min(verifyEvery, left)):
		}
	}
}

func verdictOf(through, all int) error {
	switch {
	case through == all:
		return nil
	case through == 0:
		return fmt.Errorf("none of %d devices has come through", all)
	}
	return exitError{fmt.Errorf("%d of %d devices have come through", through, all), exitPartial}
}

func firstMissing(found []verified) string {
	for _, v := range found {
		for _, s := range v.Steps {
			if !s.OK {
				return v.DevEUI + ": " + s.Name
			}
		}
	}
	return ""
}

func printVerified(w io.Writer, found []verified, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(w)
		for _, v := range found {
			if err := enc.Encode(v); err != nil {
				return err
			}
		}
		return nil
	}
	var b strings.Builder
	for _, v := range found {
		fmt.Fprintf(&b, "%s %s\n", v.DevEUI, oneLine(v.Asset))
		for _, s := range v.Steps {
			mark := "ok     "
			if !s.OK {
				mark = "MISSING"
			}
			fmt.Fprintf(&b, "  %s  %-14s  %s\n", mark, s.Name, oneLine(s.Text))
			if s.Hint != "" {
				fmt.Fprintf(&b, "  %s  %-14s  %s\n", strings.Repeat(" ", len(mark)), "", oneLine(s.Hint))
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func verifyOnce(ctx context.Context, path string, names []string, now time.Time) ([]verified, error) {
	var found []verified
	err := withFleet(ctx, path, func(f *fleet) error {
		chosen, err := f.findAll(names)
		if err != nil {
			return err
		}
		for _, d := range chosen {
			v, err := f.verify(ctx, d, now)
			if err != nil {
				return err
			}
			found = append(found, v)
		}
		return nil
	})
	return found, err
}

func (f *fleet) verify(ctx context.Context, d *fleetDevice, now time.Time) (verified, error) {
	v := verified{DevEUI: d.DevEUI.String(), Asset: d.Asset, Steps: []verifiedStep{d.verifyPlace()}}
	for _, look := range []func(context.Context, *fleetDevice) (verifiedStep, error){f.verifyRegistered, f.verifyJoined, f.verifyHeard, f.verifyRead} {
		s, err := look(ctx, d)
		if err != nil {
			return v, err
		}
		if s.Name != "" {
			v.Steps = append(v.Steps, s)
		}
	}
	if d.Hangs() {
		v.Steps = append(v.Steps, d.verifyCalibrated()...)
	}
	v.OK = !slices.ContainsFunc(v.Steps, func(s verifiedStep) bool { return !s.OK })
	return v, nil
}

// verifyPlace tells whether the device is where its readings count.
func (d *fleetDevice) verifyPlace() verifiedStep {
	s := verifiedStep{Name: "installed", OK: d.Hangs(), Text: string(d.State)}
	switch {
	case d.Hangs():
		s.Text = "on " + d.Asset
		if d.Place != nil {
			s.Text += " " + d.Place.Name
		}
	case d.State == register.Retired:
		s.Hint = "it is retired: meldefunk device move brings it back"
	default:
		s.Hint = "say where it hangs: meldefunk device move " + d.DevEUI.String() + " ASSET"
	}
	return s
}

// verifyRegistered tells whether a network server was told of the device. Where none is
// filled from here there is nothing to tell.
func (f *fleet) verifyRegistered(ctx context.Context, d *fleetDevice) (s verifiedStep, err error) {
	all, err := f.view.Registrations(ctx, "")
	all = slices.DeleteFunc(all, func(r register.Registration) bool { return r.DevEUI != d.DevEUI })
	filled := slices.ContainsFunc(f.settings.NetworkServers, func(n networkServer) bool {
		return n.Provisioning != nil && (d.Server == "" || d.Server == n.Name)
	})
	if err != nil || d.File || !filled && len(all) == 0 {
		return s, err
	}
	s = verifiedStep{Name: "registered", Text: "no network server was told of it", Hint: "meldefunk device sync tells them; or enter it there by hand"}
	for _, r := range all {
		switch {
		case r.Failure != "":
			s.Text, s.Hint = fmt.Sprintf("%s: %s", r.Server, r.Failure), "mend that and run meldefunk device sync"
			return s, nil
		case r.Digest != "":
			s.OK, s.Hint, s.Text = true, "", fmt.Sprintf("at %s since %s", r.Server, r.Told.Format(time.RFC3339))
		}
	}
	return s, nil
}

func (f *fleet) verifyJoined(ctx context.Context, d *fleetDevice) (s verifiedStep, err error) {
	s = verifiedStep{Name: "joined", Text: "no join yet", Hint: "switch it on near a gateway; if it is on: compare JoinEUI and keys with those of the network server"}
	news, err := f.view.DeviceNews(ctx, d.DevEUI, city.MaxDeviceEvents)
	if err != nil {
		return s, err
	}
	for _, e := range news.Events {
		if e.Kind == city.DeviceJoined {
			s.OK, s.Hint, s.Text = true, "", e.At.Format(time.RFC3339)
			return s, nil
		}
	}
	if !d.Heard.IsZero() { // personalized, or its join was before it was known here
		s.OK, s.Hint, s.Text = true, "", "it sends in a session"
	}
	return s, nil
}

func (f *fleet) verifyHeard(ctx context.Context, d *fleetDevice) (s verifiedStep, err error) {
	s = verifiedStep{Name: "heard", Text: "no uplink yet", Hint: "have it send: most devices do when a magnet or button is used"}
	frame, heard, err := f.view.LastFrame(ctx, d.DevEUI)
	if err != nil || !heard {
		return s, err
	}
	r := frame.Uplink.Radio
	s.OK, s.Hint = true, ""
	s.Text = fmt.Sprintf("%s by %s, %d dBm, SNR %.1f dB, SF%d, %d gateways", frame.Uplink.Received.Format(time.RFC3339), r.Gateway, r.RSSI, r.SNR, r.SpreadingFactor, r.Gateways)
	return s, nil
}

// verifyRead tells whether the device's payloads become readings, or why not.
func (f *fleet) verifyRead(ctx context.Context, d *fleetDevice) (s verifiedStep, err error) {
	s = verifiedStep{Name: "decoded", Text: "nothing to decode yet"}
	if why, err := lastAside(ctx, f.view, d.DevEUI); err != nil {
		return s, err
	} else if why != nil && !why.LastSeen.Before(d.Heard) {
		s.Text, s.Hint = fmt.Sprintf("set aside, %s: %s", why.Reason, why.Detail), "mend that and run meldefunk aside replay"
		return s, nil
	}
	frame, heard, err := f.view.LastFrame(ctx, d.DevEUI)
	if err != nil {
		return s, err
	}
	if heard && frame.Fate == city.FateLoose {
		return f.verifyBench(ctx, d, &frame)
	}
	readings, err := f.view.History(ctx, d.Asset, 10)
	if err != nil {
		return s, err
	}
	for i := range readings {
		if r := &readings[i]; r.DevEUI == d.DevEUI {
			s.OK, s.Text = r.State() != "fault", r.Time.At.Format(time.RFC3339)+": "+valuesText(r)
			if !s.OK {
				s.Hint = "the sensor says that it cannot measure: look at how it is mounted"
			}
			return s, nil
		}
	}
	return s, nil
}

// verifyBench decodes a frame of a device that hung nowhere when it sent it, so that a device
// can be tried before it hangs somewhere. No calibration counts.
func (f *fleet) verifyBench(ctx context.Context, d *fleetDevice, frame *city.Frame) (verifiedStep, error) {
	s := verifiedStep{Name: "decoded"}
	r, err := f.decodeLoose(ctx, &d.Device.Device, &frame.Uplink)
	switch {
	case ctx.Err() != nil:
		return s, ctx.Err()
	case err != nil:
		s.Text, s.Hint = "on the workbench: "+err.Error(), "compare model and firmware with the label, and what is set on the device"
		return s, nil
	}
	s.OK, s.Text = r.State() != "fault", "on the workbench, "+frame.Uplink.Received.Format(time.RFC3339)+": "+valuesText(r)
	switch {
	case !s.OK:
		s.Hint = "the sensor says that it cannot measure: look at how it lies"
	case d.Hangs():
		s.OK, s.Hint = false, "it came before the device hung on "+d.Asset+": wait for the next one; or say since when it hangs, with meldefunk device set "+d.DevEUI.String()+" since=…"
	}
	return s, nil
}

// decodeLoose decodes an uplink without an asset.
func (f *fleet) decodeLoose(ctx context.Context, d *city.Device, stored *city.Uplink) (*city.Reading, error) {
	u := *stored
	if u.Encrypted {
		ring, err := keys.Load(f.settings.Keys)
		if err != nil {
			return nil, err
		}
		if u.Payload, err = ring.Open(&u); err != nil {
			return nil, err
		}
		u.Encrypted, u.Envelope = false, nil
	}
	r := &city.Reading{DevEUI: d.DevEUI, Model: d.Model}
	if f.models.Lane(d.Model) == "" {
		return r, f.models.Decode(d, nil, &u, r)
	}
	var decodeErr error
	err := withSandbox(ctx, f.settings.Codecs.Config, func(sandbox *javascript.Sandbox) {
		running := *f.models
		running.sandbox = sandbox
		decodeErr = running.Decode(d, nil, &u, r)
	})
	return r, errors.Join(decodeErr, err)
}

// lastAside gives the newest set-aside message of a device; nil: there is none.
func lastAside(ctx context.Context, v *sqlite.View, devEUI city.EUI) (last *city.SetAside, err error) {
	const page = 500
	var seen time.Time
	var key uint64
	for {
		found, err := v.AsidesAfter(ctx, city.AsideFilter{DevEUI: devEUI}, seen, key, page)
		if err != nil {
			return nil, err
		}
		if len(found) > 0 {
			last = &found[len(found)-1]
			seen, key = last.LastSeen, last.Key
		}
		if len(found) < page {
			return last, nil
		}
	}
}

func valuesText(r *city.Reading) string {
	var parts []string
	for _, v := range r.Values {
		parts = append(parts, fmt.Sprintf("%s %.6g %s", v.Quantity, v.Number, v.Quantity.Unit()))
	}
	for _, f := range r.Faults {
		parts = append(parts, "fault "+string(f))
	}
	return strings.Join(parts, ", ")
}

// verifyCalibrated tells what the asset lacks so that values become those that rules go by.
func (d *fleetDevice) verifyCalibrated() []verifiedStep {
	a := d.Place
	if a == nil {
		return nil
	}
	var steps []verifiedStep
	need := func(kind city.Kind, have bool, hint string) {
		if a.Kind != kind {
			return
		}
		s := verifiedStep{Name: "calibrated", OK: have, Text: "yes"}
		if !have {
			s.Text, s.Hint = "no calibration of "+a.ID, hint
		}
		steps = append(steps, s)
	}
	need(city.Bin, a.Bin != nil, "enter empty_mm and full_mm: without them there is no fill level, unless the sensor sends one")
	need(city.Soil, a.Soil != nil, "enter soil_type, like Sl3: without it there is no usable field capacity")
	if a.Position == nil {
		steps = append(steps, verifiedStep{Name: "position", Text: a.ID + " is not surveyed", Hint: "enter lat and lon: tickets and maps need them"})
	}
	return steps
}
