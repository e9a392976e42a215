package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"meldefunk/city"
	"meldefunk/decoders"
)

// decodeOptions are the flags of decode.
type decodeOptions struct {
	model       string
	firmware    string
	port        uint8
	calibration calibrationFlags
	json        bool
}

func decodeCommand() *cobra.Command {
	var o decodeOptions
	c := &cobra.Command{
		Use:   "decode HEX",
		Short: "Decode one payload and name its bytes",
		Long: `Decode one payload as serve would: say what each byte means, and print the
reading. With a calibration there is a fill level, or usable field capacity.

  meldefunk decode --model milesight/em310-udl --port 85 01755C03824408040001

Exit code 1: the payload cannot be decoded; the bytes are named as far as they
were understood. 2: the command line is wrong.`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{errors.New("which payload? Give it as hex digits (see --help)")}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			return decode(o, strings.Join(args, ""), c.OutOrStdout())
		},
	}
	f := c.Flags()
	f.StringVarP(&o.model, "model", "m", "", "sensor `model`, see meldefunk model list")
	f.StringVar(&o.firmware, "firmware", "", "`version` of the device's software, where it changed the frames; without it the newest")
	f.Uint8VarP(&o.port, "port", "p", 0, "FPort")
	o.calibration.add(c)
	f.BoolVar(&o.json, "json", false, "print JSON")
	_ = c.RegisterFlagCompletionFunc("model", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return decoders.New().Models(), cobra.ShellCompDirectiveNoFileComp
	})
	return c
}

// decoded is what decode found out.
type decoded struct {
	options decodeOptions
	payload []byte
	spans   []decoders.Span
	plain   city.Reading // without calibration, which shows what this adds
	reading city.Reading
	err     error // why there is no reading
}

func decode(o decodeOptions, text string, out io.Writer) error {
	payload, err := hex.DecodeString(strings.NewReplacer(" ", "", ":", "", "-", "").Replace(text))
	if err != nil {
		return usageError{fmt.Errorf("payload %.40q: %w", text, err)}
	}
	table := decoders.New()
	if !table.Knows(o.model) {
		return usageError{fmt.Errorf("unknown model %q: meldefunk model list shows the known ones", o.model)}
	}
	asset, err := o.calibration.asset(table.Kind(o.model))
	if err != nil {
		return usageError{err}
	}
	device, uplink := &city.Device{Model: o.model}, &city.Uplink{FPort: o.port, Payload: payload}
	if o.firmware != "" {
		if device.Firmware, err = city.ParseFirmware(o.firmware); err != nil {
			return usageError{fmt.Errorf("--firmware: %w", err)}
		}
	}
	d := decoded{options: o, payload: payload}
	if d.spans, d.err = table.Explain(device, uplink); d.err == nil {
		err = errors.Join(table.Decode(device, nil, uplink, &d.plain), table.Decode(device, asset, uplink, &d.reading))
	}
	if err != nil {
		return err
	}
	if o.json {
		err = d.printJSON(out)
	} else {
		err = d.print(out)
	}
	if err != nil {
		return err
	}
	return d.err
}

func modelCommand() *cobra.Command {
	c := &cobra.Command{Use: "model", Short: "Show the sensor models that can be read"}
	var asJSON bool
	list := &cobra.Command{
		Use: "list", Short: "List the models", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return listModels(c.OutOrStdout(), asJSON) },
	}
	list.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.AddCommand(list)
	return c
}

func listModels(out io.Writer, asJSON bool) error {
	table := decoders.New()
	if asJSON {
		all := []map[string]any{}
		for _, m := range table.Models() {
			all = append(all, map[string]any{"model": m, "kind": table.Kind(m), "kinds": table.Kinds(m)})
		}
		return json.NewEncoder(out).Encode(all)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, m := range table.Models() {
		kinds := fmt.Sprint(table.Kinds(m))
		fmt.Fprintf(w, "%s\t%s\n", m, strings.Trim(kinds, "[]"))
	}
	return w.Flush()
}
