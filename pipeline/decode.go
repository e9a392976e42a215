package pipeline

import (
	"math"

	"meldefunk/city"
)

// decode fills the reading, or says how else the frame ends. A frame without application
// payload is no mistake: it carried MAC commands, or only showed that the device lives. The
// error is why it is set aside, or trouble of this machine's.
func (r *Road) decode(d *city.Device, a *city.Asset, u *city.Uplink, reading *city.Reading) (city.Fate, error) {
	if u.FPort == 0 || len(u.Payload) == 0 {
		return city.FateEmpty, nil
	}
	if u.Encrypted {
		return city.FateAside, city.Reject(city.ReasonEncrypted,
			"payload of %s is end-to-end encrypted and no key for it is known", u.DevEUI)
	}
	if err := r.parts.Decoder.Decode(d, a, u, reading); err != nil {
		return city.FateAside, err
	}
	if len(reading.Values)+len(reading.Faults)+len(reading.History) == 0 {
		return city.FateEmpty, nil // device information: understood, and nothing measured
	}
	// No store keeps NaN or infinity, and no rule can compare with them.
	for i := len(reading.Values) - 1; i >= 0; i-- {
		if n := reading.Values[i].Number; math.IsNaN(n) || math.IsInf(n, 0) {
			reading.Values = append(reading.Values[:i], reading.Values[i+1:]...)
			reading.Faults = append(reading.Faults, city.FaultImplausible)
		}
	}
	return city.FateRead, nil
}
