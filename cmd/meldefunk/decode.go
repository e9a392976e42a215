package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"meldefunk/city"
	"meldefunk/decoders"
)

// decodeOptions are the flags of decode.
type decodeOptions struct {
	model       string
	port        uint8
	empty, full float64
	json        bool
}

func decodeCommand() *cobra.Command {
	var o decodeOptions
	c := &cobra.Command{
		Use:   "decode HEX",
		Short: "Decode one payload",
		Long: `Decode one payload as serve would, and print the reading.

  meldefunk decode --model milesight/em310-udl --port 85 01755C03824408040001`,
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
	f.Uint8VarP(&o.port, "port", "p", 0, "FPort")
	f.Float64Var(&o.empty, "empty", 0, "`mm` to the bottom of the empty bin, for the fill level")
	f.Float64Var(&o.full, "full", 0, "`mm` to the contents of the full bin")
	f.BoolVar(&o.json, "json", false, "print JSON")
	_ = c.RegisterFlagCompletionFunc("model", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return decoders.New().Models(), cobra.ShellCompDirectiveNoFileComp
	})
	return c
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
	a := &city.Asset{Kind: table.Kind(o.model)}
	if o.empty != 0 || o.full != 0 {
		if o.full >= o.empty {
			return usageError{fmt.Errorf("--full %g must be less than --empty %g", o.full, o.empty)}
		}
		a.Bin = &city.BinCalibration{Empty: o.empty, Full: o.full}
	}
	var r city.Reading
	if err := table.Decode(&city.Device{Model: o.model}, a, &city.Uplink{FPort: o.port, Payload: payload}, &r); err != nil {
		return err
	}
	if o.json {
		return json.NewEncoder(out).Encode(decodedJSON(o, &r))
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, v := range r.Values {
		fmt.Fprintf(w, "%s\t%s\t%s\n", v.Quantity, plain(v), v.Quantity.Unit())
	}
	for _, f := range r.Faults {
		fmt.Fprintf(w, "fault\t%s\t\n", f)
	}
	if len(r.Tail) > 0 {
		fmt.Fprintf(w, "not understood\t%x\t\n", r.Tail)
	}
	fmt.Fprintf(w, "state\t%s\t\n", r.State())
	return w.Flush()
}

// plain writes a value as people read it.
func plain(v city.Value) string {
	if v.Quantity.Boolean() {
		return strconv.FormatBool(v.Number != 0)
	}
	return strconv.FormatFloat(v.Number, 'f', -1, 64)
}

func decodedJSON(o decodeOptions, r *city.Reading) map[string]any {
	values := map[string]any{}
	for _, v := range r.Values {
		var n any = v.Number
		if v.Quantity.Boolean() {
			n = v.Number != 0
		}
		values[v.Quantity.String()] = n
	}
	faults := r.Faults
	if faults == nil {
		faults = []city.Fault{}
	}
	return map[string]any{"model": o.model, "port": o.port, "values": values, "faults": faults, "tail": hex.EncodeToString(r.Tail), "state": r.State()}
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
		all := []map[string]string{}
		for _, m := range table.Models() {
			all = append(all, map[string]string{"model": m, "kind": table.Kind(m).String()})
		}
		return json.NewEncoder(out).Encode(all)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, m := range table.Models() {
		fmt.Fprintf(w, "%s\t%s\n", m, table.Kind(m))
	}
	return w.Flush()
}
