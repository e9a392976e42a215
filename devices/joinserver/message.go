package joinserver

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"

	"meldefunk/city"
)

// The versions of Backend Interfaces that are spoken.
const (
	protocol10 = "1.0"
	protocol11 = "1.1"
)

// The messages that are taken (BI section 22.2).
const (
	joinReq    = "JoinReq"
	rejoinReq  = "RejoinReq"
	homeNSReq  = "HomeNSReq"
	appSKeyReq = "AppSKeyReq"
)

// asker says who may send a message. It is "" for a message that is not taken.
func asker(messageType string) Role {
	switch messageType {
	case joinReq, rejoinReq, homeNSReq:
		return NetworkServer
	case appSKeyReq:
		return ApplicationServer
	}
	return ""
}

// code is a ResultCode (BI section 22.4; FrameReplayed and MalformedMessage are of 1.1).
type code string

const (
	success                code = "Success"
	micFailed              code = "MICFailed"
	joinReqFailed          code = "JoinReqFailed"
	frameReplayed          code = "FrameReplayed"
	noRoamingAgreement     code = "NoRoamingAgreement"
	activationDisallowed   code = "ActivationDisallowed"
	unknownDevEUI          code = "UnknownDevEUI"
	unknownSender          code = "UnknownSender"
	unknownReceiver        code = "UnkownReceiver" // so it is spelt in the table
	invalidProtocolVersion code = "InvalidProtocolVersion"
	malformedMessage       code = "MalformedMessage"
	frameSizeError         code = "FrameSizeError"
	other                  code = "Other"
)

// in gives the word that a version of the protocol has for it.
func (c code) in(protocol string) code {
	if protocol == protocol11 {
		return c
	}
	switch c {
	case frameReplayed:
		return joinReqFailed
	case malformedMessage:
		return "MalformedRequest"
	}
	return c
}

// refusal is why a request is not granted. The one who asked is told; it holds no secret.
type refusal struct {
	code code
	text string
}

func (r *refusal) Error() string { return r.text }

func refuse(c code, format string, args ...any) error {
	return &refusal{c, fmt.Sprintf(format, args...)}
}

// header is what each message has (BI section 22.1).
type header struct {
	ProtocolVersion string
	SenderID        string
	ReceiverID      string
	SenderNSID      string // of 1.1
	TransactionID   uint32
	MessageType     string
	SenderToken     hexText
}

// demand is what the requests have beside the header (BI section 22.2). Which of it a request
// must have is for its own code to say.
type demand struct {
	MACVersion   string
	PHYPayload   hexText
	DevEUI       hexText
	DevAddr      hexText
	DLSettings   hexText
	RxDelay      *uint8
	CFList       hexText
	SessionKeyID hexText
}

// answer is what the answers have (BI section 22.2). It can hold keys, so it is not for logs.
type answer struct {
	ProtocolVersion string
	SenderID        string
	ReceiverID      string
	ReceiverNSID    string `json:",omitempty"`
	TransactionID   uint32
	MessageType     string
	ReceiverToken   hexText `json:",omitempty"`
	Result          result
	body
}

type result struct {
	ResultCode  code
	Description string `json:",omitempty"`
}

// body is what an answer has beside the header, if its request was granted.
type body struct {
	PHYPayload   hexText   `json:",omitempty"`
	Lifetime     uint32    `json:",omitzero"` // seconds
	NwkSKey      *envelope `json:",omitempty"`
	FNwkSIntKey  *envelope `json:",omitempty"`
	SNwkSIntKey  *envelope `json:",omitempty"`
	NwkSEncKey   *envelope `json:",omitempty"`
	DevEUI       string    `json:",omitempty"`
	AppSKey      *envelope `json:",omitempty"`
	SessionKeyID hexText   `json:",omitempty"`
	HNetID       string    `json:",omitempty"`
}

// envelope is a key, in clear where there is no label (BI section 21).
type envelope struct {
	KEKLabel string `json:",omitempty"`
	AESKey   hexText
}

// reply makes the answer to a request with this header.
func (h *header) reply(granted body, refused *refusal) answer {
	a := answer{
		ProtocolVersion: h.ProtocolVersion, TransactionID: h.TransactionID,
		MessageType: strings.TrimSuffix(h.MessageType, "Req") + "Ans",
		SenderID:    h.ReceiverID, ReceiverID: h.SenderID, ReceiverNSID: h.SenderNSID, ReceiverToken: h.SenderToken,
		Result: result{ResultCode: success}, body: granted,
	}
	if a.ProtocolVersion != protocol11 {
		a.ProtocolVersion, a.ReceiverNSID = protocol10, ""
	}
	if refused != nil {
		a.Result = result{refused.code.in(a.ProtocolVersion), refused.text}
	}
	return a
}

// parseHeader reads the header of a message.
func parseHeader(text []byte) (h header, err error) {
	if err := json.Unmarshal(text, &h); err != nil {
		return h, fmt.Errorf("not a message of Backend Interfaces: %s", wrong(err))
	}
	return h, nil
}

// parseDemand reads what stands beside the header.
func parseDemand(text []byte) (d demand, err error) {
	if err := json.Unmarshal(text, &d); err != nil {
		return d, refuse(malformedMessage, "%s", wrong(err))
	}
	return d, nil
}

// wrong says what is wrong with JSON in the words of who wrote it.
func wrong(err error) string {
	var field *json.SemanticError
	switch {
	case !errors.As(err, &field):
		return err.Error()
	case field.Err != nil:
		return fmt.Sprintf("%s: %v", strings.TrimPrefix(string(field.JSONPointer), "/"), field.Err)
	}
	return fmt.Sprintf("%s: this %s cannot stand there", strings.TrimPrefix(string(field.JSONPointer), "/"), field.JSONKind)
}

// hexText is bytes written as hex digits in either case, maybe after 0x (BI section 22.3).
type hexText []byte

func (h *hexText) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(noPrefix(string(text)))
	if err != nil {
		return errHex
	}
	*h = b
	return nil
}

var errHex = errors.New("want hex digits, two for each byte")

func (h hexText) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h), nil }

func noPrefix(text string) string {
	if len(text) > 1 && text[0] == '0' && text[1]|0x20 == 'x' {
		return text[2:]
	}
	return text
}

// eui makes one of the field of this name.
func (h hexText) eui(field string) (city.EUI, error) {
	if len(h) != len(city.EUI{}) {
		return city.EUI{}, refuse(malformedMessage, "%s: want 16 hex digits, got %d bytes", field, len(h))
	}
	return city.EUI(h), nil
}
