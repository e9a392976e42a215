package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"meldefunk/city/lorawan"
)

// Emission is a frame that a gateway is to send (txpk, PROTOCOL section 6).
type Emission struct {
	Frame     []byte // 1 to 255 bytes
	When      When
	Timestamp uint32    // on the concentrator's counter, µs; with AtTimestamp
	At        time.Time // in milliseconds; with AtGPSTime
	Frequency uint32    // Hz
	Rate      lorawan.DataRate
	Power     int // dBm
	RFChain   uint8
	CRC       bool // of the radio; LoRaWAN downlinks have none
	Upright   bool // polarisation as of uplinks; LoRaWAN downlinks have the other
}

// When says how the time of an emission is given.
type When uint8

// The ways.
const (
	AtTimestamp When = iota
	AtGPSTime
	AtOnce
)

// append writes the body of PULL_RESP.
func (e *Emission) append(b []byte) []byte {
	b = append(b, `{"txpk":{"imme":`...)
	b = strconv.AppendBool(b, e.When == AtOnce)
	switch e.When {
	case AtTimestamp:
		b = append(b, `,"tmst":`...)
		b = strconv.AppendUint(b, uint64(e.Timestamp), 10)
	case AtGPSTime:
		b = append(b, `,"tmms":`...)
		b = strconv.AppendInt(b, lorawan.SinceGPSEpoch(e.At).Milliseconds(), 10)
	}
	b = append(b, ',')
	b = appendFreq(b, e.Frequency)
	b = append(b, `,"rfch":`...)
	b = strconv.AppendUint(b, uint64(e.RFChain), 10)
	b = append(b, `,"powe":`...)
	b = strconv.AppendInt(b, int64(e.Power), 10)
	b = append(b, ',')
	b = appendRate(b, e.Rate)
	if e.Rate.BitRate > 0 {
		b = append(b, `,"fdev":25000`...) // RP section 2.2.3
	} else {
		b = append(b, `,"ipol":`...)
		b = strconv.AppendBool(b, !e.Upright)
	}
	if !e.CRC {
		b = append(b, `,"ncrc":true`...)
	}
	b = append(b, ',')
	b = appendFrame(b, e.Frame)
	return append(b, "}}"...)
}

type txpk struct {
	Imme bool      `json:"imme"`
	Tmst *uint32   `json:"tmst"`
	Tmms *int64    `json:"tmms"`
	Freq megahertz `json:"freq"`
	RFCh uint8     `json:"rfch"`
	Powe *float64  `json:"powe"`
	Datr *rate     `json:"datr"`
	IPol bool      `json:"ipol"`
	NCRC bool      `json:"ncrc"`
	Size *int      `json:"size"`
	Data string    `json:"data"`
}

// parseEmission reads the body of PULL_RESP. Of several times imme goes before tmst, and
// that before tmms.
func parseEmission(body []byte) (Emission, error) {
	var p struct {
		TXPK *txpk `json:"txpk"`
	}
	if err := json.Unmarshal(body, &p); err != nil {
		return Emission{}, fmt.Errorf("PULL_RESP: %w", err)
	}
	if p.TXPK == nil {
		return Emission{}, errors.New("PULL_RESP has no txpk")
	}
	e, err := p.TXPK.emission()
	if err != nil {
		return Emission{}, fmt.Errorf("txpk: %w", err)
	}
	return e, nil
}

// defaultPower is sent with where powe is missing, in dBm.
const defaultPower = 14

func (p *txpk) emission() (Emission, error) {
	e := Emission{RFChain: p.RFCh, CRC: !p.NCRC, Upright: !p.IPol, Power: defaultPower}
	switch {
	case p.Imme:
		e.When = AtOnce
	case p.Tmst != nil:
		e.When, e.Timestamp = AtTimestamp, *p.Tmst
	case p.Tmms != nil:
		if *p.Tmms < 0 || *p.Tmms > maxTmms {
			return Emission{}, fmt.Errorf("tmms %d: want milliseconds since 1980-01-06", *p.Tmms)
		}
		e.When, e.At = AtGPSTime, lorawan.FromGPSEpoch(time.Duration(*p.Tmms)*time.Millisecond)
	default:
		return Emission{}, errors.New("no time: want imme, tmst or tmms")
	}
	if p.Datr == nil {
		return Emission{}, errors.New("datr is missing")
	}
	e.Rate = p.Datr.DataRate
	if p.Powe != nil {
		if math.Abs(*p.Powe) > 100 {
			return Emission{}, fmt.Errorf("powe %g: want dBm", *p.Powe)
		}
		e.Power = int(*p.Powe)
	}
	var err error
	if e.Frequency, err = p.Freq.hertz(); err != nil {
		return Emission{}, err
	}
	if e.Frame, err = frameOf(p.Data, p.Size); err != nil {
		return Emission{}, err
	}
	return e, nil
}

// Refusal is why a gateway does not send a frame (PROTOCOL section 6, txpk_ack).
type Refusal string

// The refusals. None is what a gateway answers that will send.
const (
	None            Refusal = ""
	TooLate         Refusal = "TOO_LATE"
	TooEarly        Refusal = "TOO_EARLY"
	CollisionPacket Refusal = "COLLISION_PACKET"
	CollisionBeacon Refusal = "COLLISION_BEACON"
	TXFrequency     Refusal = "TX_FREQ"
	TXPower         Refusal = "TX_POWER" // since protocol 1.5 a warning
	GPSUnlocked     Refusal = "GPS_UNLOCKED"
)

// appendRefusal writes the body of TX_ACK; nothing for None.
func appendRefusal(b []byte, r Refusal) []byte {
	if r == None {
		return b
	}
	b = append(b, `{"txpk_ack":{"error":"`...)
	b = append(b, r...)
	return append(b, `"}}`...)
}

// parseRefusal reads the body of TX_ACK. Some gateways say NONE where others say nothing.
func parseRefusal(body []byte) (Refusal, error) {
	if len(body) == 0 {
		return None, nil
	}
	var p struct {
		Ack struct {
			Error string `json:"error"`
		} `json:"txpk_ack"`
	}
	if err := json.Unmarshal(body, &p); err != nil {
		return None, fmt.Errorf("TX_ACK: %w", err)
	}
	switch r := Refusal(p.Ack.Error); r {
	case "NONE":
		return None, nil
	case None, TooLate, TooEarly, CollisionPacket, CollisionBeacon, TXFrequency, TXPower, GPSUnlocked:
		return r, nil
	default:
		return None, fmt.Errorf("TX_ACK: error %.40q is not known", p.Ack.Error)
	}
}
