package javascript

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"meldefunk/city"
)

// Decode runs the codec on one uplink and sorts its output by the codec's mapping. at is
// when the uplink was received; the codec sees it as recvTime.
//
// A *city.Rejection says that this payload cannot be decoded: ReasonUnknownPort where the
// mapping names ports and port is none of them, else ReasonUndecodable, also while the
// codec is held back because its runs had to be ended. Other errors are trouble of this
// machine's, and the uplink may be tried again. It returns within about six seconds:
// five for a worker to become free, one to compile the codec, and Config.Timeout.
func (s *Sandbox) Decode(ctx context.Context, codec *Codec, port uint8, payload []byte, at time.Time) (Result, error) {
	if ports := codec.mapping.Ports; len(ports) > 0 && !slices.Contains(ports, port) {
		return Result{}, city.Reject(city.ReasonUnknownPort, "codec %s knows nothing of port %d: it uses %s",
			codec.name, port, portList(ports))
	}
	if len(payload) == 0 {
		// Many codecs make a reading of nothing: -32 °C (lorawan-devices issue 421).
		return Result{}, city.Reject(city.ReasonUndecodable, "codec %s port %d: no payload", codec.name, port)
	}
	out, err := s.Output(ctx, codec, port, payload, at)
	if err != nil {
		return Result{}, err
	}
	if len(out.Errors) > 0 {
		return Result{}, city.Reject(city.ReasonUndecodable, "codec %s port %d: %s",
			codec.name, port, clip(strings.Join(out.Errors, "; "), maxText))
	}
	r := codec.mapping.Apply(out.Data)
	r.Warnings = append(out.Warnings, r.Warnings...)
	r.Normalized = out.Normalized
	return r, nil
}

func portList(ports []uint8) string {
	var list []string
	for _, p := range ports {
		list = append(list, fmt.Sprint(p))
	}
	return strings.Join(list, ", ")
}
