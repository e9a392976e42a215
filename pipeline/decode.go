package pipeline

import (
	"errors"
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
	var err error
	if u.Encrypted {
		err = r.decrypted(d, a, u, reading)
	} else {
		err = r.parts.Decoder.Decode(d, a, u, reading)
	}
	if err != nil {
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

// decrypted decodes a payload that is end-to-end encrypted. What is kept of the frame stays
// encrypted: only the reading is in clear. The decoder is the only one who can tell a wrong
// key or counter, so that what it refuses may have another cause than it says.
func (r *Road) decrypted(d *city.Device, a *city.Asset, u *city.Uplink, reading *city.Reading) error {
	payload, err := r.parts.Keys.Open(u)
	if err != nil {
		return err
	}
	plain := *u
	plain.Payload, plain.Encrypted, plain.Envelope = payload, false, nil
	err = r.parts.Decoder.Decode(d, a, &plain, reading)
	if rejection, ok := errors.AsType[*city.Rejection](err); ok {
		return city.Reject(rejection.Reason, "%s (after end-to-end decryption: the session key, device address or frame counter may be another's)", rejection.Detail)
	}
	return err
}
