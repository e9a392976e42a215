package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"meldefunk/city/lorawan/enrol"
	"meldefunk/devices/label"
)

func deviceScanCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "scan [TEXT]",
		Short: "Read what a scanner read off a device or its box",
		Long: `Read the text of a QR code: that of LoRaWAN devices (TR005, its drafts too) or one of
those that vendors use, as an argument or from standard input. Nothing is kept. A key
in it is said and not shown; meldefunk device add --scan takes it over.`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageError{fmt.Errorf("%s takes one text, got %d: put it in quotes", c.CommandPath(), len(args))}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			code, extra, err := scan(args, c.InOrStdin())
			if err != nil {
				return usageError{err}
			}
			s := newScanned(code, extra)
			if asJSON {
				return json.NewEncoder(c.OutOrStdout()).Encode(s)
			}
			return s.print(c.OutOrStdout())
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// maxScan bounds what is read of standard input, in bytes: more is no code.
const maxScan = 64 << 10

// scan reads a code off the argument, or of standard input.
func scan(args []string, in io.Reader) (label.Code, label.Extra, error) {
	if len(args) == 1 && args[0] != "-" {
		return label.Parse(args[0])
	}
	text, err := io.ReadAll(io.LimitReader(in, maxScan))
	if err != nil {
		return label.Code{}, label.Extra{}, err
	}
	return label.Parse(string(text))
}

// scanned is what a code says, as JSON. No key is in it.
type scanned struct {
	Form        label.Form `json:"form"`
	Checked     bool       `json:"checked"` // its checksum is right
	DevEUI      string     `json:"dev_eui"`
	JoinEUI     string     `json:"join_eui,omitempty"`
	VendorID    string     `json:"vendor_id,omitempty"`
	ProfileID   string     `json:"profile_id,omitempty"`
	Serial      string     `json:"serial,omitempty"`
	Part        string     `json:"part,omitempty"`
	OwnerToken  bool       `json:"owner_token,omitempty"`
	Proprietary string     `json:"proprietary,omitempty"`
	Keys        []string   `json:"keys,omitempty"` // names of the keys in it
	Ignored     string     `json:"ignored,omitempty"`
}

func newScanned(c label.Code, x label.Extra) scanned {
	s := scanned{Form: x.Form, Checked: x.Checked, DevEUI: c.DevEUI.String(), Serial: c.Serial, Part: x.Part,
		OwnerToken: c.OwnerToken != "", Proprietary: c.Proprietary, Keys: keyNames(x.Keys), Ignored: x.Ignored}
	if !x.NoJoinEUI {
		s.JoinEUI = c.JoinEUI.String()
	}
	if c.VendorID != 0 || c.ProfileID != 0 {
		s.VendorID, s.ProfileID = fmt.Sprintf("%04x", c.VendorID), fmt.Sprintf("%04x", c.ProfileID)
	}
	return s
}

// keyNames names the keys that are there, as a person who has the device's sheet in hand does.
func keyNames(k enrol.RootKeys) []string {
	var none enrol.RootKeys
	switch {
	case k.None():
		return nil
	case k.App == none.App:
		return []string{"app_key"}
	}
	return []string{"nwk_key", "app_key"}
}

func (s *scanned) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, text string) {
		if text != "" {
			fmt.Fprintf(t, "%s\t%s\n", name, oneLine(text))
		}
	}
	form := string(s.Form)
	if s.Checked {
		form += ", its checksum is right"
	}
	row("read as", form)
	row("DevEUI", s.DevEUI)
	row("JoinEUI", s.JoinEUI)
	if s.JoinEUI == "" {
		row("JoinEUI", "not in the code: see the vendor's list")
	}
	row("vendor", strings.TrimSpace(s.VendorID+" "+s.ProfileID))
	row("serial", s.Serial)
	row("part", s.Part)
	if s.OwnerToken {
		row("owner token", "there; it does not go onto our labels")
	}
	row("proprietary", s.Proprietary)
	if len(s.Keys) > 0 {
		row("keys", strings.Join(s.Keys, ", ")+" in the code (not shown): this label must not hang in the street")
	}
	if s.Ignored != "" {
		row("ignored", "extensions "+s.Ignored)
	}
	return t.Flush()
}
