// Package javascript decodes payloads with codecs that vendors and users write in
// JavaScript: the LoRa Alliance's form (TS013), The Things Network's older one and
// ChirpStack's. A mapping says which field of a codec's output is which quantity.
//
// Codecs are strangers' code. They run in child processes that have little memory, no
// files, and can be killed; state never passes from one run to the next. The package does
// not know the inventory, native decoders, calibration or rules.
package javascript

import (
	"bytes"
	"fmt"
	"slices"
	"unicode/utf8"

	"meldefunk/city"
)

// maxSource is how many bytes of JavaScript a codec may have. The largest of the LoRaWAN
// Device Repository has 101 KB; The Things Stack's limit of 40 KB is too small for many.
const maxSource = 256 << 10

// Codec is a script that decodes the uplinks of a device model, and what its output means.
// It is not changed after it was made, apart from remembering how its runs ended, and may be used
// from any number of goroutines; its runs come one after the other.
type Codec struct {
	name    string
	source  string
	strict  bool
	mapping Mapping
	hold    hold
}

// Carries lists the quantities that the mapping knows.
func (c *Codec) Carries() (all []city.Quantity) {
	for _, f := range c.mapping.Fields {
		if f.Quantity != city.QuantityUnknown && !slices.Contains(all, f.Quantity) {
			all = append(all, f.Quantity)
		}
	}
	return all
}

// NewCodec makes a codec. name is for messages, usually the file's. Scripts run in sloppy
// mode, as The Things Stack runs them; strict is what ChirpStack does since 2026. Whether
// the source is JavaScript shows when it is compiled, see Sandbox.Compile.
func NewCodec(name string, source []byte, strict bool, m Mapping) (*Codec, error) {
	switch {
	case len(source) > maxSource:
		return nil, fmt.Errorf("%s: has %d bytes: want %d at most", name, len(source), maxSource)
	case len(bytes.TrimSpace(source)) == 0:
		return nil, fmt.Errorf("%s: is empty: want a script with decodeUplink, Decoder or Decode", name)
	case !utf8.Valid(source):
		return nil, fmt.Errorf("%s: is not UTF-8: save it as UTF-8", name)
	case bytes.IndexByte(source, 0) >= 0:
		return nil, fmt.Errorf("%s: has a zero byte: want a text file", name)
	}
	return &Codec{name: name, source: string(bytes.TrimPrefix(source, []byte("\ufeff"))), strict: strict, mapping: m}, nil
}

// Name is what NewCodec was given.
func (c *Codec) Name() string { return c.name }
