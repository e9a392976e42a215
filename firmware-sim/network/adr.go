package network

import "meldefunk/city/lorawan"

// The figures of the usual algorithm (Semtech, "LoRaWAN – simple rate adaptation recommended
// algorithm", 2016): the best SNR of the last frames, less what the data rate needs and a
// reserve, in steps of 3 dB, first of data rate and then of power.
const (
	historyLen = 20
	reserve    = 10 // dB, so that rain, a parked lorry or a full bin does not cut a device off
	step       = 3  // dB
	maxPower   = 7  // index of the lowest power, 2 dBm EIRP (RP section 2.2.3)
	maxRepeats = 3  // NbTrans
)

// note keeps how well a frame was heard.
func (ses *session) note(res *Result) {
	if !res.FCtrl.ADR {
		ses.Histories = 0
		return
	}
	if ses.Histories == historyLen {
		copy(ses.History[:], ses.History[1:])
		copy(ses.Gaps[:], ses.Gaps[1:])
		ses.Histories--
	}
	snr := min(max(res.Receptions[res.Best].SNR, -128), 127)
	ses.History[ses.Histories] = int8(snr)
	ses.Gaps[ses.Histories] = uint8(min(res.Lost, 255))
	ses.Histories++
}

// adapt gives the request for another data rate, power or number of repeats, if there is
// need of one. dr is the one the device uses now.
func (ses *session) adapt(dr uint8) (lorawan.LinkADRReq, bool) {
	if ses.Histories < historyLen {
		return lorawan.LinkADRReq{}, false
	}
	best := ses.History[0]
	for _, snr := range ses.History {
		best = max(best, snr)
	}
	steps := int(float32(best)-requiredSNR(dr)-reserve) / step
	want, power := dr, ses.Power
	for ; steps > 0 && want < maxChannelDR; steps-- {
		want++
	}
	for ; steps > 0 && power < maxPower; steps-- {
		power++
	}
	for ; steps < 0 && power > 0; steps++ {
		power--
	}
	now := max(ses.NbTrans, 1)
	repeats := now
	gap := 0
	for _, n := range ses.Gaps {
		gap += int(n)
	}
	switch lost := 100 * gap / (historyLen + gap); {
	case lost > 30 && repeats < maxRepeats:
		repeats++
	case lost < 5 && repeats > 1:
		repeats--
	}
	if want == dr && power == ses.Power && repeats == now {
		return lorawan.LinkADRReq{}, false
	}
	return lorawan.LinkADRReq{DataRate: want, TXPower: power, ChMask: ses.mask(), NbTrans: repeats}, true
}

// mask has a bit for each channel of the device.
func (ses *session) mask() (m uint16) {
	for i, hz := range ses.Channels {
		if hz != 0 {
			m |= 1 << i
		}
	}
	return m
}
