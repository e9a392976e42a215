package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"meldefunk/city"
	"meldefunk/city/register"
)

func deviceShowCommand() *cobra.Command {
	var path string
	var asJSON bool
	c := &cobra.Command{
		Use:   "show DEVICE",
		Short: "Show a device: where it hung, who heard it, what network servers know, what was changed",
		Long: `Show everything that is known of one device, named by its DevEUI, the number of its
asset or its serial number: where it hangs and hung, the last frame and who heard it,
what it told of itself, what network servers were told, and the newest entries of the
audit trail. Keys are never shown. Works beside a running platform.`,
		Args:              oneArg("a DevEUI, the number of an asset or a serial number"),
		ValidArgsFunction: completeOneDevice,
		RunE: func(c *cobra.Command, args []string) error {
			return withFleet(c.Context(), path, func(f *fleet) error {
				d, err := f.find(args[0])
				if err != nil {
					return err
				}
				shown, err := f.show(c.Context(), d, time.Now())
				if err != nil {
					return err
				}
				if asJSON {
					return json.NewEncoder(c.OutOrStdout()).Encode(shown)
				}
				return shown.print(c.OutOrStdout())
			})
		},
	}
	configFlag(c, &path)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// Bounds of what is shown of the past.
const (
	shownEvents = 10
	shownTrail  = 20
)

// shownDevice is everything about a device, as JSON.
type shownDevice struct {
	deviceLine
	Hung          []shownBinding      `json:"hung"`
	Frame         *shownFrame         `json:"frame,omitempty"` // the newest
	Battery       *float64            `json:"battery_percent,omitempty"`
	Events        []shownEvent        `json:"events"`
	Registrations []shownRegistration `json:"registrations"`
	Trail         []shownChange       `json:"trail"`
}

type shownBinding struct {
	Asset string    `json:"asset"`
	From  time.Time `json:"from"`
	To    time.Time `json:"to,omitzero"`
}

type shownFrame struct {
	Received time.Time        `json:"received"`
	Epoch    uint32           `json:"epoch"`
	FCnt     uint32           `json:"fcnt"`
	FPort    uint8            `json:"fport"`
	Fate     string           `json:"fate"`
	Heard    []shownReception `json:"heard"`
}

type shownReception struct {
	Gateway string  `json:"gateway"`
	RSSI    int16   `json:"rssi_dbm"`
	SNR     float32 `json:"snr_db"`
}

type shownEvent struct {
	At       time.Time            `json:"at"`
	Kind     city.DeviceEventKind `json:"kind"`
	Severity string               `json:"severity"`
	Code     string               `json:"code,omitempty"`
	Detail   string               `json:"detail,omitempty"`
	Count    int64                `json:"count"`
}

type shownRegistration struct {
	Server  string    `json:"server"`
	Told    time.Time `json:"told,omitzero"`
	Tried   time.Time `json:"tried,omitzero"`
	Failure string    `json:"failure,omitempty"`
}

type shownChange struct {
	At     time.Time       `json:"at"`
	By     string          `json:"by"`
	From   string          `json:"from,omitempty"`
	Reason string          `json:"reason,omitempty"`
	Action register.Action `json:"action"`
	Facts  []register.Fact `json:"facts,omitempty"`
}

func (f *fleet) show(ctx context.Context, d *fleetDevice, now time.Time) (*shownDevice, error) {
	s := &shownDevice{deviceLine: f.line(d, now), Hung: []shownBinding{}, Events: []shownEvent{}, Registrations: []shownRegistration{}, Trail: []shownChange{}}
	for _, b := range f.register.Bindings {
		if b.DevEUI == d.DevEUI {
			s.Hung = append(s.Hung, shownBinding{b.Asset, b.From, b.To})
		}
	}
	frame, heard, err := f.view.LastFrame(ctx, d.DevEUI)
	if err != nil {
		return nil, err
	}
	if heard {
		s.Frame = newShownFrame(&frame)
	}
	news, err := f.view.DeviceNews(ctx, d.DevEUI, shownEvents)
	if err != nil {
		return nil, err
	}
	if news.Status != nil && news.Status.HasBattery {
		s.Battery = &news.Status.Battery
	}
	for _, e := range news.Events {
		s.Events = append(s.Events, shownEvent{e.At, e.Kind, e.Severity.String(), e.Code, e.Detail, e.Count})
	}
	registrations, err := f.view.Registrations(ctx, "")
	if err != nil {
		return nil, err
	}
	for _, r := range registrations {
		if r.DevEUI == d.DevEUI {
			s.Registrations = append(s.Registrations, shownRegistration{r.Server, r.Told, r.Tried, r.Failure})
		}
	}
	trail, err := f.view.Trail(ctx, register.Trail{DevEUI: d.DevEUI, Limit: shownTrail})
	if err != nil {
		return nil, err
	}
	for _, e := range trail {
		s.Trail = append(s.Trail, shownChange{e.At, e.By, e.From, e.Reason, e.Action, e.Facts})
	}
	return s, nil
}

func newShownFrame(f *city.Frame) *shownFrame {
	u := &f.Uplink
	s := &shownFrame{Received: u.Received, Epoch: f.Epoch, FCnt: u.FCnt, FPort: u.FPort, Fate: f.Fate.String(), Heard: []shownReception{}}
	for _, r := range u.Receptions() {
		s.Heard = append(s.Heard, shownReception{r.Gateway, r.RSSI, r.SNR})
	}
	return s
}

func (s *shownDevice) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		if text := fmt.Sprintf(format, args...); strings.TrimSpace(text) != "" {
			fmt.Fprintf(t, "%s\t%s\n", name, oneLine(text))
		}
	}
	row("device", "%s", s.DevEUI)
	row("state", "%s", s.State)
	row("model", "%s %s", s.Model, s.Firmware)
	row("asset", "%s %s", s.Asset, s.Name)
	row("groups", "%s", strings.Join(s.Groups, ", "))
	row("serial", "%s", s.Serial)
	row("JoinEUI", "%s", s.JoinEUI)
	row("LoRaWAN", "%s %s %s", s.Version, s.Class, s.Region)
	row("interval", "%s", s.Interval)
	row("root keys", "%s", map[bool]string{true: "kept, encrypted", false: "none here"}[s.Keys])
	row("network server", "%s", s.Server)
	row("owner", "%s", s.Owner)
	row("note", "%s", s.Note)
	if s.File {
		row("kept in", "a file of the settings (inventory)")
	}
	if s.Battery != nil {
		row("battery", "%.0f %%", *s.Battery)
	}
	if f := s.Frame; f != nil {
		row("heard", "%s, counter %d of session %d, port %d: %s", f.Received.Format(time.RFC3339), f.FCnt, f.Epoch, f.FPort, f.Fate)
		for _, r := range f.Heard {
			row("", "by %s, %d dBm, SNR %.1f dB", r.Gateway, r.RSSI, r.SNR)
		}
	} else {
		row("heard", "never, or not for as long as frames are kept")
	}
	section := func(name string, n int) {
		if n > 0 {
			fmt.Fprintf(t, "\n%s\n", name)
		}
	}
	section("where it hung", len(s.Hung))
	for _, b := range s.Hung {
		fmt.Fprintf(t, "%s\tuntil %s\t%s\n", b.From.Format(time.RFC3339), timeOr(b.To, "now"), oneLine(b.Asset))
	}
	section("network servers", len(s.Registrations))
	for _, r := range s.Registrations {
		fmt.Fprintf(t, "%s\ttold %s\t%s\n", oneLine(r.Server), timeOr(r.Told, "nothing yet"), oneLine(r.Failure))
	}
	section("events", len(s.Events))
	for _, e := range s.Events {
		fmt.Fprintf(t, "%s\t%s\t%s\n", e.At.Format(time.RFC3339), e.Kind, oneLine(strings.TrimSpace(e.Code+" "+e.Detail)))
	}
	section("changes", len(s.Trail))
	for _, e := range s.Trail {
		fmt.Fprintf(t, "%s\t%s by %s\t%s\n", e.At.Format(time.RFC3339), e.Action, oneLine(e.By), oneLine(strings.TrimSpace(factsText(e.Facts)+" "+e.Reason)))
	}
	return t.Flush()
}

func timeOr(t time.Time, zero string) string {
	if t.IsZero() {
		return zero
	}
	return t.Format(time.RFC3339)
}

// factsText is what became different, on one line.
func factsText(facts []register.Fact) string {
	var parts []string
	for _, f := range facts {
		parts = append(parts, fmt.Sprintf("%s: %s → %s", f.Field, orDash(f.Was), orDash(f.Is)))
	}
	return strings.Join(parts, ", ")
}
