package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"meldefunk/city"
	"meldefunk/decoders"
	"meldefunk/decoders/javascript"
)

// decodeOptions are the flags of decode.
type decodeOptions struct {
	model       string
	codecs      string // folder
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

Models with a JavaScript codec need --codecs, the folder of their mapping files.
What a codec gives and no field is mapped to is printed too; codecs do not say
what each byte means.

Exit code 1: the payload cannot be decoded; the bytes are named as far as they
were understood. 2: the command line is wrong.`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{errors.New("which payload? Give it as hex digits (see --help)")}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			return decode(c.Context(), o, strings.Join(args, ""), c.OutOrStdout())
		},
	}
	f := c.Flags()
	f.StringVarP(&o.model, "model", "m", "", "sensor `model`, see meldefunk model list")
	f.StringVar(&o.firmware, "firmware", "", "`version` of the device's software, where it changed the frames; without it the newest")
	f.Uint8VarP(&o.port, "port", "p", 0, "FPort")
	o.calibration.add(c)
	f.BoolVar(&o.json, "json", false, "print JSON")
	codecsFlag(c, &o.codecs)
	_ = c.RegisterFlagCompletionFunc("model", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		known, err := loadModels(o.codecs, nil)
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		return known.Models(), cobra.ShellCompDirectiveNoFileComp
	})
	return c
}

func codecsFlag(c *cobra.Command, folder *string) {
	c.Flags().StringVar(folder, "codecs", "", "`folder` of JavaScript codecs, as codecs.folder of the configuration")
	_ = c.MarkFlagDirname("codecs")
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

func decode(ctx context.Context, o decodeOptions, text string, out io.Writer) error {
	payload, err := hex.DecodeString(strings.NewReplacer(" ", "", ":", "", "-", "").Replace(text))
	if err != nil {
		return usageError{fmt.Errorf("payload %.40q: %w", text, err)}
	}
	if o.model == "" {
		return usageError{errors.New("of which model? Give --model; meldefunk model list shows the known ones")}
	}
	known, err := loadModels(o.codecs, nil)
	if err != nil {
		return usageError{err}
	}
	if !known.Knows(o.model) {
		return usageError{fmt.Errorf("unknown model %q: meldefunk model list shows the known ones; those with a JavaScript codec need --codecs", o.model)}
	}
	asset, err := o.calibration.asset(known.Kinds(o.model)[0])
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
	if known.Lane(o.model) != "" {
		err = d.run(ctx, known, device, asset, uplink)
	} else if d.spans, d.err = known.native.Explain(device, uplink); d.err == nil {
		err = errors.Join(known.Decode(device, nil, uplink, &d.plain), known.Decode(device, asset, uplink, &d.reading))
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

// run has a codec decode the payload as if it had come just now.
func (d *decoded) run(ctx context.Context, known *models, device *city.Device, asset *city.Asset, uplink *city.Uplink) error {
	uplink.Time.At = time.Now()
	var trouble error
	err := withSandbox(ctx, javascript.DefaultConfig(), func(s *javascript.Sandbox) {
		known.sandbox = s
		for _, at := range []struct {
			asset   *city.Asset
			reading *city.Reading
		}{{nil, &d.plain}, {asset, &d.reading}} {
			err := known.Decode(device, at.asset, uplink, at.reading)
			var rejection *city.Rejection
			if errors.As(err, &rejection) {
				d.err = err
			} else {
				trouble = errors.Join(trouble, err)
			}
		}
	})
	return errors.Join(err, trouble)
}

func modelCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "model", Short: "Show the sensor models that can be read", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	var asJSON bool
	var codecs string
	list := &cobra.Command{
		Use: "list", Short: "List the models", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return listModels(c.OutOrStdout(), codecs, asJSON) },
	}
	codecsFlag(list, &codecs)
	list.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.AddCommand(list)
	return c
}

func listModels(out io.Writer, codecs string, asJSON bool) error {
	known, err := loadModels(codecs, nil)
	if err != nil {
		return usageError{err}
	}
	if asJSON {
		all := []map[string]any{}
		for _, m := range known.Models() {
			kinds := known.Kinds(m)
			all = append(all, map[string]any{"model": m, "kind": kinds[0], "kinds": kinds, "codec": known.Lane(m) != ""})
		}
		return json.NewEncoder(out).Encode(all)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, m := range known.Models() {
		kinds := strings.Trim(fmt.Sprint(known.Kinds(m)), "[]")
		if known.Lane(m) != "" {
			kinds += "\tJavaScript"
		}
		fmt.Fprintf(w, "%s\t%s\n", m, kinds)
	}
	return w.Flush()
}
