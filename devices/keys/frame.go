package keys

import (
	"bytes"
	"errors"
	"slices"

	"meldefunk/city"
	"meldefunk/city/lorawan"
)

const (
	// rounds is how many times the 16 bits of a counter on air may have overflowed unheard,
	// or since a frame that comes late or is replayed. LoRaWAN 1.0.4 dropped the bound of
	// 1.0.3 on gaps (MAX_FCNT_GAP), and with it the reason to lose a device that nobody
	// heard for a year; the integrity code proves each guess.
	rounds = 2
	// channels are as many as a device of EU868 keeps (RP section 2.2.2).
	channels = 16
)

// OpenFrame finds the session that a raw frame is of, checks its integrity code, finds out
// its full counter, and makes an uplink of it whose payload is as it was on air, along with
// the session's wrapped AppSKey: Open decrypts it. last tells the highest counter that was
// heard of a device's session. It may be called from any number of goroutines as far as last
// may.
//
// An error is city.ErrForeign where the address is nobody's here, or else a *city.Rejection;
// then the uplink has the DevEUI if only one device has the address.
//
// Of the counters that end in the 16 bits on air it tries the one nearest to the last, see
// lorawan.FullFCnt, the next two after it and the two before: up to 163,839 ahead and 163,840
// behind. Whether a counter was there before is for the caller to say.
func (r *Ring) OpenFrame(f *city.RawFrame, last func(devEUI city.EUI, session string) (fcnt uint32, heard bool)) (city.Uplink, error) {
	d, err := lorawan.ParseData(f.PHYPayload)
	if err != nil {
		return city.Uplink{}, city.Reject(city.ReasonMalformed, "%v", err)
	}
	of := r.sessions[d.DevAddr]
	if len(of) == 0 {
		if r.ours(d.DevAddr) {
			return city.Uplink{}, city.Reject(city.ReasonUnknownDevice,
				"no session of device address %s is known: add it to a file of keys.sessions and replay", d.DevAddr)
		}
		return city.Uplink{}, city.ErrForeign
	}
	var known city.Uplink
	if len(of) == 1 {
		known.DevEUI = of[0].devEUI
	}
	for i := range of {
		s := &of[i]
		open, err := r.unwrapAll(s)
		if err != nil { // cannot be: it opened when the file was read
			return known, refuse("frame of %s: %s: mend it and replay", s.devEUI, err)
		}
		top, heard := last(s.devEUI, s.token)
		for _, fcnt := range s.counters(uint16(d.FCnt), top, heard) {
			if verified(&open, f, fcnt) {
				d.FCnt = fcnt
				return s.uplink(f, &d), nil
			}
		}
	}
	return known, city.Reject(city.ReasonMIC,
		"the integrity code of a frame of device address %s, counter ending in %d, was made with keys or a counter that no session of this address has: "+
			"another network's device, or compare keys.sessions with the device (%d sessions) and replay", d.DevAddr, d.FCnt, len(of))
}

// counters are the full counters that a frame may have, the most likely one first.
func (s *session) counters(air uint16, last uint32, heard bool) []uint32 {
	if !heard {
		last = s.last
	}
	near := lorawan.FullFCnt(last, air)
	all := append(make([]uint32, 0, 2*rounds+2), near)
	for i := range uint64(rounds) {
		if next := uint64(near) + (i+1)<<16; next < 1<<32 {
			all = append(all, uint32(next))
		}
	}
	for i := range uint32(rounds) {
		if back := (i + 1) << 16; near >= back {
			all = append(all, near-back)
		}
	}
	if s.resets && !slices.Contains(all, uint32(air)) {
		all = append(all, uint32(air))
	}
	return all
}

// verified checks the integrity code. Of LoRaWAN 1.1 the first half covers data rate and
// channel (L2 1.1 section 4.4.2). The channel is known by no gateway, so every one is
// tried; an acknowledging frame also covers the counter of a downlink, which nobody here
// knows: there the second half has to do, 16 bits.
func verified(s *lorawan.Session, f *city.RawFrame, fcnt uint32) bool {
	d, err := s.VerifyForwarded(f.PHYPayload, fcnt)
	if err != nil || s.Version != lorawan.V1_1 || d.FCtrl.ACK {
		return err == nil
	}
	first, end := uint8(0), uint8(lorawan.EU868MaxDR)+1
	if f.Radio.HasDataRate {
		first, end = f.Radio.DataRate, f.Radio.DataRate+1
	}
	for dr := first; dr < end; dr++ {
		for channel := range uint8(channels) {
			if _, err := s.Verify(f.PHYPayload, fcnt, lorawan.Binding{DataRate: dr, Channel: channel}); !errors.Is(err, lorawan.ErrMIC) {
				return err == nil
			}
		}
	}
	return false
}

// uplink is what a verified frame says. On port 0 it carries MAC commands, which are no
// business of this platform's.
func (s *session) uplink(f *city.RawFrame, d *lorawan.Data) city.Uplink {
	u := city.Uplink{
		Server: f.Server, DevEUI: s.devEUI, Session: s.token, FCnt: d.FCnt,
		Confirmed: d.MType.Confirmed(), Proven: !s.resets,
		Time: f.Time, Received: f.Received, Ident: f.Ident, Radio: f.Radio,
	}
	if d.HasPort && d.FPort != 0 {
		u.FPort, u.Payload, u.Encrypted = d.FPort, bytes.Clone(d.FRMPayload), true
		u.Envelope = &city.Envelope{KEKLabel: s.kek, Wrapped: s.app, DevAddr: s.addr}
	}
	return u
}
