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

// Heard is a frame that a gateway has received (rxpk, PROTOCOL section 4).
type Heard struct {
	Frame     []byte    // 1 to 255 bytes
	At        time.Time // end of the frame; zero where the gateway has no time from GPS
	Timestamp uint32    // the same on the concentrator's counter, µs
	Frequency uint32    // Hz
	Rate      lorawan.DataRate
	RSSI      int16   // dBm
	SNR       float32 // dB, in tenths; LoRa only
	Channel   uint8   // of the concentrator
	RFChain   uint8
	CRC       CRC
}

// CRC is what the check sum of a frame says.
type CRC int8

// The results, with the numbers of the field stat.
const (
	CRCBad  CRC = -1
	CRCNone CRC = 0
	CRCOK   CRC = 1
)

// compact is the time format of the field time.
const compact = "2006-01-02T15:04:05.000000Z"

// append writes the object as the packet forwarder does, fields in its order. Times from
// GPS are written only where there is one.
func (h *Heard) append(b []byte) []byte {
	b = append(b, `{"tmst":`...)
	b = strconv.AppendUint(b, uint64(h.Timestamp), 10)
	if !h.At.IsZero() {
		b = append(b, `,"time":"`...)
		b = h.At.UTC().AppendFormat(b, compact)
		b = append(b, `","tmms":`...)
		b = strconv.AppendInt(b, lorawan.SinceGPSEpoch(h.At).Milliseconds(), 10)
	}
	b = append(b, `,"chan":`...)
	b = strconv.AppendUint(b, uint64(h.Channel), 10)
	b = append(b, `,"rfch":`...)
	b = strconv.AppendUint(b, uint64(h.RFChain), 10)
	b = append(b, ',')
	b = appendFreq(b, h.Frequency)
	b = append(b, `,"stat":`...)
	b = strconv.AppendInt(b, int64(h.CRC), 10)
	b = append(b, ',')
	b = appendRate(b, h.Rate)
	if h.Rate.BitRate == 0 {
		b = append(b, `,"lsnr":`...)
		b = strconv.AppendFloat(b, math.Round(float64(h.SNR)*10)/10, 'f', 1, 64)
	}
	b = append(b, `,"rssi":`...)
	b = strconv.AppendInt(b, int64(h.RSSI), 10)
	b = append(b, ',')
	b = appendFrame(b, h.Frame)
	return append(b, '}')
}

// rxpk is what is read of the object. Fields that nothing here needs are not looked at.
type rxpk struct {
	Time string    `json:"time"`
	Tmms *int64    `json:"tmms"`
	Tmst *uint32   `json:"tmst"`
	Freq megahertz `json:"freq"`
	Chan uint8     `json:"chan"`
	RFCh uint8     `json:"rfch"`
	Stat CRC       `json:"stat"`
	Datr *rate     `json:"datr"`
	RSSI float64   `json:"rssi"`
	LSNR float64   `json:"lsnr"`
	Size *int      `json:"size"`
	Data string    `json:"data"`
}

// heard reads the object. The time is that of tmms if there is one, because it knows no
// leap seconds, else that of time.
func (p *rxpk) heard() (Heard, error) {
	if p.Tmst == nil {
		return Heard{}, errors.New("tmst is missing")
	}
	if p.Datr == nil {
		return Heard{}, errors.New("datr is missing")
	}
	if p.Stat < CRCBad || p.Stat > CRCOK {
		return Heard{}, fmt.Errorf("stat %d: want -1, 0 or 1", p.Stat)
	}
	if math.Abs(p.RSSI) > 200 || math.Abs(p.LSNR) > 100 {
		return Heard{}, fmt.Errorf("rssi %g and lsnr %g: no radio measures that", p.RSSI, p.LSNR)
	}
	h := Heard{
		Timestamp: *p.Tmst, Rate: p.Datr.DataRate, RSSI: int16(math.Round(p.RSSI)), SNR: float32(p.LSNR),
		Channel: p.Chan, RFChain: p.RFCh, CRC: p.Stat,
	}
	var err error
	if h.Frequency, err = p.Freq.hertz(); err != nil {
		return Heard{}, err
	}
	if h.Frame, err = frameOf(p.Data, p.Size); err != nil {
		return Heard{}, err
	}
	switch {
	case p.Tmms != nil:
		if *p.Tmms < 0 || *p.Tmms > maxTmms {
			return Heard{}, fmt.Errorf("tmms %d: want milliseconds since 1980-01-06", *p.Tmms)
		}
		h.At = lorawan.FromGPSEpoch(time.Duration(*p.Tmms) * time.Millisecond)
	case p.Time != "":
		h.At, err = time.Parse(time.RFC3339Nano, p.Time)
		if ms := lorawan.SinceGPSEpoch(h.At).Milliseconds(); err != nil || ms < 0 || ms > maxTmms {
			return Heard{}, fmt.Errorf("time %.40q: want UTC like 2026-11-21T09:16:52.828375Z", p.Time)
		}
	}
	return h, nil
}

// maxTmms keeps times within a time.Duration; it is about the year 2126.
const maxTmms = int64(math.MaxInt64/2) / int64(time.Millisecond)

// Status is what a gateway tells of itself now and then (stat, PROTOCOL section 4).
type Status struct {
	Time      time.Time // seconds
	Located   bool
	Lat, Lon  float64 // °
	Altitude  int     // m
	Received  uint32  // frames heard
	OK        uint32  // of those, with a right check sum
	Forwarded uint32
	AckShare  float64 // % of the datagrams sent that were acknowledged
	Asked     uint32  // downlink datagrams
	Sent      uint32  // downlinks emitted
}

// expanded is the time format of stat.
const expanded = "2006-01-02 15:04:05 GMT"

func (s *Status) append(b []byte) []byte {
	b = append(b, `{"time":"`...)
	b = s.Time.UTC().AppendFormat(b, expanded)
	b = append(b, '"')
	if s.Located {
		b = append(b, `,"lati":`...)
		b = strconv.AppendFloat(b, s.Lat, 'f', 5, 64)
		b = append(b, `,"long":`...)
		b = strconv.AppendFloat(b, s.Lon, 'f', 5, 64)
		b = append(b, `,"alti":`...)
		b = strconv.AppendInt(b, int64(s.Altitude), 10)
	}
	for _, f := range [...]struct {
		name string
		n    uint32
	}{{"rxnb", s.Received}, {"rxok", s.OK}, {"rxfw", s.Forwarded}} {
		b = appendCount(b, f.name, f.n)
	}
	b = append(b, `,"ackr":`...)
	b = strconv.AppendFloat(b, s.AckShare, 'f', 1, 64)
	b = appendCount(b, "dwnb", s.Asked)
	b = appendCount(b, "txnb", s.Sent)
	return append(b, '}')
}

func appendCount(b []byte, name string, n uint32) []byte {
	b = append(b, `,"`...)
	b = append(b, name...)
	b = append(b, `":`...)
	return strconv.AppendUint(b, uint64(n), 10)
}

// stat is what is read of the object.
type stat struct {
	Time string   `json:"time"`
	Lati *float64 `json:"lati"`
	Long *float64 `json:"long"`
	Alti float64  `json:"alti"`
	RXNb uint32   `json:"rxnb"`
	RXOK uint32   `json:"rxok"`
	RXFw uint32   `json:"rxfw"`
	AckR float64  `json:"ackr"`
	DWNb uint32   `json:"dwnb"`
	TXNb uint32   `json:"txnb"`
}

func (p *stat) status() (Status, error) {
	s := Status{Received: p.RXNb, OK: p.RXOK, Forwarded: p.RXFw, AckShare: p.AckR, Asked: p.DWNb, Sent: p.TXNb}
	var err error
	if s.Time, err = time.Parse(expanded, p.Time); err != nil {
		return Status{}, fmt.Errorf("stat: time %.40q: want UTC like 2026-11-21 09:16:52 GMT", p.Time)
	}
	if p.Lati == nil || p.Long == nil {
		return s, nil
	}
	if math.Abs(*p.Lati) > 90 || math.Abs(*p.Long) > 180 || math.Abs(p.Alti) > 1e5 {
		return Status{}, fmt.Errorf("stat: position %g, %g at %g m is not on Earth", *p.Lati, *p.Long, p.Alti)
	}
	s.Located, s.Lat, s.Lon, s.Altitude = true, *p.Lati, *p.Long, int(p.Alti)
	return s, nil
}

// push is the body of PUSH_DATA.
type push struct {
	RXPK []json.RawMessage `json:"rxpk"`
	Stat *stat             `json:"stat"`
}

// maxHeard bounds the frames of one datagram; concentrators hand out 16 at a time.
const maxHeard = 64

// parsePush reads the body of PUSH_DATA. What can be read is given also where the error
// tells of an object that cannot.
func parsePush(body []byte) (heard []Heard, status *Status, err error) {
	var p push
	if err := json.Unmarshal(body, &p); err != nil {
		return nil, nil, fmt.Errorf("PUSH_DATA: %w", err)
	}
	if len(p.RXPK) == 0 && p.Stat == nil {
		return nil, nil, errors.New("PUSH_DATA has neither rxpk nor stat")
	}
	if len(p.RXPK) > maxHeard {
		return nil, nil, fmt.Errorf("PUSH_DATA has %d rxpk: want at most %d", len(p.RXPK), maxHeard)
	}
	var errs []error
	for i, raw := range p.RXPK {
		var x rxpk
		err := json.Unmarshal(raw, &x)
		if err == nil {
			var h Heard
			if h, err = x.heard(); err == nil {
				heard = append(heard, h)
				continue
			}
		}
		errs = append(errs, fmt.Errorf("rxpk %d: %w", i, err))
	}
	if p.Stat != nil {
		s, err := p.Stat.status()
		if err != nil {
			errs = append(errs, err)
		} else {
			status = &s
		}
	}
	return heard, status, errors.Join(errs...)
}

// appendPush writes the body of PUSH_DATA.
func appendPush(b []byte, heard []Heard, status *Status) []byte {
	b = append(b, '{')
	if len(heard) > 0 {
		b = append(b, `"rxpk":[`...)
		for i := range heard {
			if i > 0 {
				b = append(b, ',')
			}
			b = heard[i].append(b)
		}
		b = append(b, ']')
	}
	if status != nil {
		if len(heard) > 0 {
			b = append(b, ',')
		}
		b = append(b, `"stat":`...)
		b = status.append(b)
	}
	return append(b, '}')
}
