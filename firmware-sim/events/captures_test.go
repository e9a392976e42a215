package events

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
)

// recording is a recorded message.
type recording struct {
	Line     int
	Step     string
	Topic    string
	Payload  json.RawMessage
	Binary   []byte `json:"payload_b64"`
	Protobuf []byte `json:"payload_protobuf_b64"`
}

// event is the last part of the topic, two parts for downlinks.
func (r *recording) event() string {
	parts := strings.Split(r.Topic, "/")
	n := len(parts)
	if parts[n-2] == "down" {
		return "down/" + parts[n-1]
	}
	return parts[n-1]
}

// recordings reads a file of gateway-bridge/testdata/captures.
func recordings(tb testing.TB, name string) []recording {
	tb.Helper()
	f, err := os.Open(filepath.Join("..", "..", "gateway-bridge", "testdata", "captures", name))
	if err != nil {
		tb.Fatalf("the recordings must be there: %v", err)
	}
	defer f.Close()
	var all []recording
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r recording
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			tb.Fatalf("%s:%d: %v", name, len(all)+1, err)
		}
		r.Line = len(all) + 1
		all = append(all, r)
	}
	if err := lines.Err(); err != nil {
		tb.Fatal(err)
	}
	return all
}

const (
	v4File     = "chirpstack-v4-generated.jsonl"
	v3File     = "chirpstack-v3.jsonl"
	thingsFile = "the-things-stack-v3.jsonl"
)

// tags is a JSON object of strings in its own order.
type tags []Tag

func (t *tags) UnmarshalJSON(b []byte) error {
	fields := fields{}
	if err := fields.UnmarshalJSON(b); err != nil {
		return err
	}
	for _, f := range fields {
		*t = append(*t, Tag{f.Name, f.Text})
	}
	return nil
}

// fields is a JSON object of numbers and strings in its own order.
type fields []Field

func (f *fields) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if _, err := d.Token(); err != nil {
		return err
	}
	*f = fields{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		var value any
		if err := d.Decode(&value); err != nil {
			return err
		}
		n, _ := value.(float64)
		s, _ := value.(string)
		*f = append(*f, Field{Name: key.(string), Number: n, Text: s})
	}
	return nil
}

// digits is hex as it stands, in either case.
type digits []byte

func (h *digits) UnmarshalText(b []byte) (err error) {
	*h, err = hex.DecodeString(string(b))
	return err
}

func (h digits) number() uint32 {
	if len(h) != 4 {
		return 0
	}
	return binary.BigEndian.Uint32(h)
}

// UnmarshalText reads what Append writes, and "" as zero.
func (u *UUID) UnmarshalText(b []byte) error {
	_, err := hex.Decode(u[:], bytes.ReplaceAll(b, []byte("-"), nil))
	return err
}

// number reads what is "" where it is absent.
func number(s string) uint64 {
	n, _ := strconv.ParseUint(s, 10, 64)
	return n
}

type place struct{ Latitude, Longitude, Altitude float64 }

func (p *place) put(g *Gateway) {
	if p != nil {
		g.Located, g.Position, g.Altitude = true, city.Position{Lat: p.Latitude, Lon: p.Longitude}, p.Altitude
	}
}

// v4Recorded is every field of ChirpStack v4's events that these files have.
type v4Recorded struct {
	DeduplicationID UUID
	Time            time.Time
	DeviceInfo      struct {
		TenantID, ApplicationID, DeviceProfileID                   UUID
		TenantName, ApplicationName, DeviceProfileName, DeviceName string
		DevEUI                                                     city.EUI
		Tags                                                       tags
	}
	DevAddr        digits
	ADR, Confirmed bool
	DR, FPort      uint8
	FCnt           uint32
	Data           []byte
	Object         fields
	RxInfo         []struct {
		GatewayID        city.EUI
		UplinkID         uint32
		GwTime, NsTime   time.Time
		Rssi             int16
		Snr              float32
		Channel, RfChain uint8
		Location         *place
		Context          []byte
		Metadata         tags
	}
	TxInfo struct {
		Frequency  uint32
		Power      int8
		Modulation struct {
			Lora struct {
				Bandwidth       uint32
				SpreadingFactor uint8
			}
		}
		Timing  struct{ Delay struct{ Delay string } }
		Context []byte
	}
	JoinServerContext *struct {
		SessionKeyID digits
		AppSKey      struct {
			KekLabel string
			AesKey   []byte
		}
	}
	RegionConfigID string

	Margin                                       int8
	ExternalPowerSource, BatteryLevelUnavailable bool
	BatteryLevel                                 float32

	QueueItemID          UUID
	Acknowledged         bool
	FCntDown, DownlinkID uint32
	GatewayID            city.EUI

	Code, Description string
	Context           map[string]string
	Location          struct {
		Latitude, Longitude float64
		Accuracy            float32
	}
}

func (r *v4Recorded) device() *Device {
	d := r.DeviceInfo
	return &Device{
		Application: &Application{Tenant: d.TenantID, TenantName: d.TenantName, ID: d.ApplicationID, Name: d.ApplicationName, Region: r.RegionConfigID},
		Profile:     &Profile{ID: d.DeviceProfileID, Name: d.DeviceProfileName},
		DevEUI:      d.DevEUI, JoinEUI: city.EUI{0xa0, 0, 0, 0, 0, 0, 1, 1}, Name: d.DeviceName, Tags: d.Tags,
	}
}

func (r *v4Recorded) session() *Session {
	s := &Session{DevAddr: r.DevAddr.number()}
	if c := r.JoinServerContext; c != nil {
		s.EndToEnd = &Envelope{SessionKeyID: c.SessionKeyID, KEKLabel: c.AppSKey.KekLabel, WrappedKey: c.AppSKey.AesKey}
	}
	return s
}

// event makes of a recorded message what has to be written to have it again.
func (r *v4Recorded) event(t *testing.T, name string) Event {
	d, radio := r.device(), Radio{r.TxInfo.Frequency, r.DR, r.TxInfo.Modulation.Lora.SpreadingFactor, r.TxInfo.Modulation.Lora.Bandwidth}
	switch name {
	case "join":
		return &Join{Device: d, Session: r.session(), ID: r.DeduplicationID, Time: r.Time}
	case "status":
		e := &Status{Device: d, ID: r.DeduplicationID, Time: r.Time, Margin: r.Margin}
		switch {
		case r.BatteryLevelUnavailable:
			e.Battery = 255
		case !r.ExternalPowerSource:
			e.Battery = uint8(r.BatteryLevel*2.54 + 0.5)
		}
		return e
	case "ack":
		down := Downlink{Device: d, ID: r.QueueItemID, FCnt: r.FCntDown}
		return &Ack{Downlink: down, Delivery: r.DeduplicationID, Time: r.Time, Acknowledged: r.Acknowledged}
	case "txack":
		delay, err := time.ParseDuration(r.TxInfo.Timing.Delay.Delay)
		if err != nil {
			t.Fatal(err)
		}
		return &TxAck{
			Downlink: Downlink{Device: d, ID: r.QueueItemID, FCnt: r.FCntDown}, Radio: radio, Time: r.Time, Number: r.DownlinkID,
			Gateway: &Gateway{ID: r.GatewayID}, Power: r.TxInfo.Power, Delay: delay, Timestamp: binary.BigEndian.Uint32(r.TxInfo.Context),
		}
	case "location":
		return &Location{Device: d, ID: r.DeduplicationID, Time: r.Time, Lat: r.Location.Latitude, Lon: r.Location.Longitude, Accuracy: r.Location.Accuracy}
	case "log":
		e := &Log{Device: d, Time: r.Time, Text: r.Description, Downlink: &Downlink{}, FCnt: uint32(number(r.Context["f_cnt_up"]))}
		e.DevNonce = uint16(number(r.Context["dev_nonce"]))
		e.Size, e.Max = int(number(r.Context["item_size"])), int(number(r.Context["max_payload_size"]))
		_ = e.ID.UnmarshalText([]byte(r.Context["deduplication_id"]))
		_ = e.Downlink.ID.UnmarshalText([]byte(r.Context["queue_item_id"]))
		e.Cause = map[string]Cause{
			"UPLINK_F_CNT_RETRANSMISSION": CauseRepeat, "UPLINK_F_CNT_RESET": CauseReset, "UPLINK_MIC": CauseJoinMIC, "OTAA": CauseDevNonce,
			"UPLINK_CODEC": CauseCodec, "DOWNLINK_PAYLOAD_SIZE": CauseSize, "DOWNLINK_GATEWAY": CauseGateway,
		}[r.Code]
		return e
	}
	e := &Up{
		Device: d, Session: r.session(), Radio: radio, ID: r.DeduplicationID, Time: r.Time,
		FCnt: r.FCnt, FPort: r.FPort, Payload: r.Data, Confirmed: r.Confirmed, ADR: r.ADR, Object: r.Object,
	}
	for _, x := range r.RxInfo {
		g := &Gateway{ID: x.GatewayID, Metadata: x.Metadata}
		x.Location.put(g)
		e.Receptions = append(e.Receptions, Reception{
			Gateway: g, Uplink: x.UplinkID, Time: x.GwTime, GPS: true, Received: x.NsTime, Timestamp: binary.BigEndian.Uint32(x.Context),
			RSSI: x.Rssi, SNR: x.Snr, Channel: x.Channel, RFChain: x.RfChain, CRC: CRCOK,
		})
	}
	return e
}

// v3Recorded is every field of ChirpStack v3's events that these files have.
type v3Recorded struct {
	ApplicationID, ApplicationName, DeviceName, DeviceProfileName string
	DeviceProfileID                                               UUID
	DevEUI                                                        city.EUI
	DevAddr                                                       digits
	RxInfo                                                        []struct {
		GatewayID city.EUI
		UplinkID  UUID
		Name      string
		Time      time.Time
		Rssi      int16
		LoRaSNR   float32
		Location  *place
	}
	TxInfo struct {
		Frequency uint32
		DR        uint8
	}
	ADR    bool
	FCnt   uint32
	FPort  uint8
	Data   []byte
	Object fields
	Tags   tags

	Margin       int8
	BatteryLevel float64
	Acknowledged bool
	Type, Error  string
}

func (r *v3Recorded) event(name string) Event {
	d := &Device{
		Application: &Application{Number: number(r.ApplicationID), Name: r.ApplicationName},
		Profile:     &Profile{ID: r.DeviceProfileID, Name: r.DeviceProfileName},
		DevEUI:      r.DevEUI, Name: r.DeviceName, Tags: r.Tags,
	}
	radio := Radio{Frequency: r.TxInfo.Frequency, DataRate: r.TxInfo.DR}
	var receptions []Reception
	for _, x := range r.RxInfo {
		g := &Gateway{ID: x.GatewayID, Name: x.Name}
		x.Location.put(g)
		receptions = append(receptions, Reception{Gateway: g, ID: x.UplinkID, Time: x.Time, RSSI: x.Rssi, SNR: x.LoRaSNR})
	}
	switch name {
	case "join":
		return &Join{Device: d, Session: &Session{DevAddr: r.DevAddr.number()}, Radio: radio, Receptions: receptions}
	case "status":
		return &Status{Device: d, Battery: uint8(r.BatteryLevel*2.54 + 0.5), Margin: r.Margin}
	case "txack":
		return &TxAck{Downlink: Downlink{Device: d, FCnt: r.FCnt}}
	case "ack":
		return &Ack{Downlink: Downlink{Device: d, FCnt: r.FCnt}, Acknowledged: r.Acknowledged}
	case "error":
		return &Log{Device: d, FCnt: r.FCnt, Text: r.Error, Cause: map[string]Cause{
			"UPLINK_FCNT_RETRANSMISSION": CauseRepeat, "UPLINK_FCNT_RESET": CauseReset, "UPLINK_MIC": CauseFrameMIC, "OTAA": CauseDevNonce,
			"UPLINK_CODEC": CauseCodec, "DOWNLINK_PAYLOAD_SIZE": CauseSize, "DOWNLINK_GATEWAY": CauseGateway,
		}[r.Type]}
	}
	return &Up{
		Device: d, Session: &Session{}, Radio: radio, FCnt: r.FCnt, FPort: r.FPort, Payload: r.Data, ADR: r.ADR,
		Object: r.Object, Receptions: receptions,
	}
}

// thingsDown is an ApplicationDownlink.
type thingsDown struct {
	SessionKeyID   []byte `json:"session_key_id"`
	FPort          uint8  `json:"f_port"`
	FCnt           uint32 `json:"f_cnt"`
	FrmPayload     []byte `json:"frm_payload"`
	DecodedPayload fields `json:"decoded_payload"`
	Confirmed      bool
	Priority       string
	CorrelationIDs []string `json:"correlation_ids"`
}

// thingsRecorded is every field of The Things Stack's events that these files have.
type thingsRecorded struct {
	EndDeviceIDs struct {
		DeviceID       string `json:"device_id"`
		ApplicationIDs struct {
			ApplicationID string `json:"application_id"`
		} `json:"application_ids"`
		DevEUI  city.EUI `json:"dev_eui"`
		JoinEUI city.EUI `json:"join_eui"`
		DevAddr digits   `json:"dev_addr"`
	} `json:"end_device_ids"`
	ReceivedAt    time.Time `json:"received_at"`
	UplinkMessage struct {
		thingsDown
		RxMetadata []struct {
			GatewayIDs struct {
				GatewayID string `json:"gateway_id"`
				EUI       city.EUI
			} `json:"gateway_ids"`
			Time         time.Time
			Timestamp    uint32
			RSSI         int16
			SNR          float32
			Location     *place
			ChannelIndex uint8     `json:"channel_index"`
			ReceivedAt   time.Time `json:"received_at"`
		} `json:"rx_metadata"`
		Settings struct {
			DataRate struct {
				Lora struct {
					Bandwidth       uint32
					SpreadingFactor uint8 `json:"spreading_factor"`
				}
			} `json:"data_rate"`
			Frequency string
		}
		ReceivedAt      time.Time `json:"received_at"`
		ConsumedAirtime string    `json:"consumed_airtime"`
		PacketErrorRate float32   `json:"packet_error_rate"`
	} `json:"uplink_message"`
	JoinAccept struct {
		SessionKeyID []byte    `json:"session_key_id"`
		ReceivedAt   time.Time `json:"received_at"`
	} `json:"join_accept"`
	Queued thingsDown `json:"downlink_queued"`
	Sent   thingsDown `json:"downlink_sent"`
	Ack    thingsDown `json:"downlink_ack"`
	Failed struct {
		Downlink thingsDown
		Error    struct {
			Attributes struct {
				Length int
				Max    string
			}
		}
	} `json:"downlink_failed"`
}

func (r *thingsRecorded) downlink(d *Device, s *Session, x thingsDown) Downlink {
	s.KeyID = x.SessionKeyID
	down := Downlink{
		Device: d, Session: s, FCnt: x.FCnt, FPort: x.FPort, Payload: x.FrmPayload, Confirmed: x.Confirmed, Priority: x.Priority, Object: x.DecodedPayload,
	}
	for _, id := range x.CorrelationIDs {
		if strings.HasPrefix(id, "stadt:") {
			down.Own = append(down.Own, id)
		}
	}
	return down
}

func (r *thingsRecorded) event(t *testing.T, name string) Event {
	ids := r.EndDeviceIDs
	d := &Device{Application: &Application{Name: ids.ApplicationIDs.ApplicationID}, DevEUI: ids.DevEUI, JoinEUI: ids.JoinEUI, ID: ids.DeviceID}
	s := &Session{DevAddr: ids.DevAddr.number()}
	switch name {
	case "join":
		s.KeyID = r.JoinAccept.SessionKeyID
		return &Join{Device: d, Session: s, Received: r.JoinAccept.ReceivedAt, Published: r.ReceivedAt}
	case "down/queued":
		return &Queued{Downlink: r.downlink(d, s, r.Queued), Time: r.ReceivedAt}
	case "down/sent":
		return &TxAck{Downlink: r.downlink(d, s, r.Sent), Time: r.ReceivedAt}
	case "down/ack":
		return &Ack{Downlink: r.downlink(d, s, r.Ack), Time: r.ReceivedAt, Acknowledged: true}
	case "down/failed":
		down := r.downlink(d, s, r.Failed.Downlink)
		down.Session = nil
		e := &Log{Device: d, Cause: CauseSize, Time: r.ReceivedAt, Downlink: &down}
		if e.Size, e.Max = r.Failed.Error.Attributes.Length, int(number(r.Failed.Error.Attributes.Max)); e.Max == 0 {
			e.Cause = CausePort
		}
		return e
	}
	u := r.UplinkMessage
	s.KeyID = u.SessionKeyID
	airtime, err := time.ParseDuration(u.ConsumedAirtime)
	if err != nil {
		t.Fatal(err)
	}
	e := &Up{
		Device: d, Session: s, Received: u.ReceivedAt, Published: r.ReceivedAt, FCnt: u.FCnt, FPort: u.FPort, Payload: u.FrmPayload,
		Confirmed: u.Confirmed, Airtime: airtime, Lost: u.PacketErrorRate, Object: u.DecodedPayload,
		Radio: Radio{Frequency: uint32(number(u.Settings.Frequency)), SpreadingFactor: u.Settings.DataRate.Lora.SpreadingFactor, Bandwidth: u.Settings.DataRate.Lora.Bandwidth},
	}
	for _, x := range u.RxMetadata {
		g := &Gateway{ID: x.GatewayIDs.EUI, Name: x.GatewayIDs.GatewayID}
		x.Location.put(g)
		e.Receptions = append(e.Receptions, Reception{
			Gateway: g, Time: x.Time, GPS: true, Received: x.ReceivedAt, Timestamp: x.Timestamp, RSSI: x.RSSI, SNR: x.SNR, Channel: x.ChannelIndex,
		})
	}
	return e
}
