package city

import "slices"

// MaxHeard bounds Uplink.Heard. A frame that more gateways hear needs no more.
const MaxHeard = 32

// Reception is how well one gateway heard a frame.
type Reception struct {
	Gateway string
	RSSI    int16   // dBm
	SNR     float32 // dB
}

// better tells whether a reception is better than what counts as the best so far: highest
// SNR, then highest RSSI.
func (r *Radio) better(by Reception) bool {
	return r.Gateways == 0 || by.SNR > r.SNR || by.SNR == r.SNR && by.RSSI > r.RSSI
}

// Hear counts one more gateway, up to 255, and keeps its figures if it heard the frame best.
// It gives heard, the figures of every gateway so far, which stays empty for the first one.
func (r *Radio) Hear(heard []Reception, by Reception) []Reception {
	switch {
	case r.Gateways == 1 && len(heard) == 0:
		heard = append(make([]Reception, 0, 4), Reception{r.Gateway, r.RSSI, r.SNR}, by)
	case r.Gateways > 0 && len(heard) < MaxHeard:
		heard = append(heard, by)
	}
	if r.better(by) {
		r.Gateway, r.RSSI, r.SNR = by.Gateway, by.RSSI, by.SNR
	}
	if r.Gateways < 255 {
		r.Gateways++
	}
	return heard
}

// Receptions are the figures of all gateways that are known by name.
func (u *Uplink) Receptions() []Reception {
	if len(u.Heard) == 0 && u.Radio.Gateways > 0 {
		return []Reception{{u.Radio.Gateway, u.Radio.RSSI, u.Radio.SNR}}
	}
	return u.Heard
}

// Rehear adds the receptions of another delivery of the same frame, and tells whether that
// changed anything: a gateway that is known already is not counted again. Beyond MaxHeard
// gateways none is added. What u.Heard was before is left as it is.
func (u *Uplink) Rehear(other *Uplink) bool {
	was := u.Radio
	all := slices.Clone(u.Receptions())
	for _, by := range other.Receptions() {
		known := slices.ContainsFunc(all, func(r Reception) bool { return r.Gateway == by.Gateway })
		if !known && len(all) == MaxHeard {
			continue
		}
		if u.Radio.better(by) {
			u.Radio.Gateway, u.Radio.RSSI, u.Radio.SNR = by.Gateway, by.RSSI, by.SNR
		}
		if !known {
			all = append(all, by)
			u.Radio.Gateways = uint8(min(int(u.Radio.Gateways)+1, 255))
		}
	}
	if len(all) > 1 {
		u.Heard = all
	}
	return u.Radio != was
}
