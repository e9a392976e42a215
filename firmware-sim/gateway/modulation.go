package gateway

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"meldefunk/city/lorawan"
)

// rate is the field datr: a text such as SF7BW125 for LoRa, a number of bits per second for
// FSK.
type rate struct{ lorawan.DataRate }

// UnmarshalJSON reads either form.
func (r *rate) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] != '"' {
		v, err := strconv.ParseUint(string(b), 10, 32)
		if err != nil || v == 0 {
			return fmt.Errorf("datr %.20s: want a text like SF7BW125 or a number of bit/s", b)
		}
		r.DataRate = lorawan.DataRate{BitRate: uint32(v)}
		return nil
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	sf, bw, ok := strings.Cut(strings.TrimPrefix(s, "SF"), "BW")
	factor, err1 := strconv.ParseUint(sf, 10, 8)
	width, err2 := strconv.ParseUint(bw, 10, 16)
	if !strings.HasPrefix(s, "SF") || !ok || err1 != nil || err2 != nil || factor < 5 || factor > 12 || width == 0 {
		return fmt.Errorf("datr %.20q: want a text like SF7BW125 or a number of bit/s", s)
	}
	r.DataRate = lorawan.DataRate{SpreadingFactor: uint8(factor), Bandwidth: uint32(width) * 1000}
	return nil
}

// appendRate writes modu, datr and, for LoRa, codr: LoRaWAN has one code rate.
func appendRate(b []byte, r lorawan.DataRate) []byte {
	if r.BitRate > 0 {
		b = append(b, `"modu":"FSK","datr":`...)
		return strconv.AppendUint(b, uint64(r.BitRate), 10)
	}
	b = append(b, `"modu":"LORA","datr":"SF`...)
	b = strconv.AppendUint(b, uint64(r.SpreadingFactor), 10)
	b = append(b, "BW"...)
	b = strconv.AppendUint(b, uint64(r.Bandwidth/1000), 10)
	return append(b, `","codr":"4/5"`...)
}

// megahertz is the field freq.
type megahertz float64

// hertz fails for what no radio of this world receives; NaN and infinities JSON has not.
func (f megahertz) hertz() (uint32, error) {
	if f < 1 || f > 4000 {
		return 0, fmt.Errorf("freq %g: want MHz, 1 to 4000", float64(f))
	}
	return uint32(math.Round(float64(f) * 1e6)), nil
}

func appendFreq(b []byte, hz uint32) []byte {
	b = append(b, `"freq":`...)
	b = strconv.AppendUint(b, uint64(hz/1e6), 10)
	b = append(b, '.')
	return appendDigits(b, hz%1e6, 6)
}

// appendDigits writes a number with leading zeros.
func appendDigits(b []byte, v uint32, digits int) []byte {
	for at := pow10(digits - 1); at > 0; at /= 10 {
		b = append(b, '0'+byte(v/at%10))
	}
	return b
}

func pow10(n int) uint32 {
	p := uint32(1)
	for range n {
		p *= 10
	}
	return p
}

// frameOf reads data, with padding or without, and checks that it has the size told.
func frameOf(data string, size *int) ([]byte, error) {
	frame, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(data, "="))
	switch {
	case err != nil:
		return nil, fmt.Errorf("data is not base64: %w", err)
	case len(frame) == 0 || len(frame) > lorawan.MaxFrame:
		return nil, fmt.Errorf("data has %d bytes: want 1 to %d", len(frame), lorawan.MaxFrame)
	case size != nil && *size != len(frame):
		return nil, fmt.Errorf("data has %d bytes, size says %d", len(frame), *size)
	}
	return frame, nil
}

func appendFrame(b, frame []byte) []byte {
	b = append(b, `"size":`...)
	b = strconv.AppendInt(b, int64(len(frame)), 10)
	b = append(b, `,"data":"`...)
	b = base64.StdEncoding.AppendEncode(b, frame)
	return append(b, '"')
}
