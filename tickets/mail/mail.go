package mail

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"meldefunk/city"
	"meldefunk/city/door"
)

// System is a mailbox as a ticket system. It may be used by several goroutines.
type System struct {
	cfg      Config
	host     string
	port     int
	password string
	trust    *tls.Config
}

// New makes a System and reads the password. It does not contact the server.
func New(cfg Config) (*System, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &System{cfg: cfg}
	var err error
	if s.host, s.port, err = cfg.address(); err != nil {
		return nil, err
	}
	if s.password, err = cfg.password(); err != nil {
		return nil, err
	}
	roots, err := door.Roots(cfg.CAFile)
	if err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	s.trust = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: s.host, RootCAs: roots}
	return s, nil
}

// Name is "mail".
func (*System) Name() string { return "mail" }

// Closes tells that closings are told.
func (*System) Closes() bool { return true }

// Create sends the e-mail of an opening. The ref is its number.
func (s *System) Create(ctx context.Context, o city.Order) (string, error) {
	return o.Case.Ref, s.send(ctx, &o, opening(&o))
}

// Find knows of no search, whatever Delivery says: what follows from that is decided for each
// case.
func (*System) Find(context.Context, city.Order) (string, bool, error) {
	return "", false, &city.Failure{Outcome: city.Cannot, Err: errors.New("mail: the answer was lost, and a mailbox cannot be searched: look whether the mail came")}
}

// Close sends the e-mail of a closing.
func (s *System) Close(ctx context.Context, o city.Order, _ string) error {
	return s.send(ctx, &o, closing(&o))
}

// Note sends an e-mail in the thread of the case.
func (s *System) Note(ctx context.Context, o city.Order, _, key, text string) error {
	return s.send(ctx, &o, note(&o, key, text))
}

// Reopen begins a thread in answer to that of the case whose ref the number is. Repeated, it
// is the same message again.
func (s *System) Reopen(ctx context.Context, o city.Order, externalID string) error {
	return s.send(ctx, &o, reopening(&o, externalID))
}

func (s *System) send(ctx context.Context, o *city.Order, l letter) error {
	m, err := s.message(o, l)
	if err != nil {
		return s.failed(city.Refused, err)
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	var conn net.Conn
	client, err := gomail.NewClient(s.host, s.options(&conn)...)
	if err != nil {
		return s.failed(city.Refused, err)
	}
	line, err := client.DialToSMTPClientWithContext(ctx)
	if conn != nil {
		defer conn.Close()
		// A server that drips its answers keeps nobody longer than ctx.
		defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	}
	if err != nil {
		// No message was begun. A wrong password holds everything back until it is mended.
		return s.failed(city.Retry, err)
	}
	err = client.SendWithSMTPClient(line, m)
	if m.IsDelivered() {
		_ = client.CloseWithSMTPClient(line) // it has the message; how it says goodbye is its business
		return nil
	}
	return s.failed(judge(err), err)
}

// judge tells what a failure after the login means. Until the final dot the server has no
// message; after it only its answer tells.
func judge(err error) city.Outcome {
	var reply *textproto.Error
	var f *gomail.SendError
	answered := errors.As(err, &reply)
	code := 0
	if errors.As(err, &f) {
		code = f.ErrorCode()
	}
	if answered {
		code = reply.Code
	}
	switch {
	case code == 530 || code >= 534 && code <= 538:
		return city.Retry // about us and not about this message (RFC 4954): a human mends it
	case code >= 500:
		return city.Refused
	case code >= 400:
		return city.Retry
	case f != nil && f.Reason != gomail.ErrSMTPDataClose && f.Reason != gomail.ErrAmbiguous:
		return city.Retry
	}
	return city.Unsure
}

func (s *System) options(conn *net.Conn) []gomail.Option {
	options := []gomail.Option{
		gomail.WithPort(s.port), gomail.WithTimeout(s.cfg.Timeout), gomail.WithTLSConfig(s.trust), gomail.WithoutNoop(),
		gomail.WithHELO("meldefunk.invalid"),
		gomail.WithDialContextFunc(func(ctx context.Context, network, address string) (net.Conn, error) {
			var err error
			if s.cfg.TLS == TLSImplicit {
				*conn, err = (&tls.Dialer{Config: s.trust}).DialContext(ctx, network, address)
			} else {
				*conn, err = (&net.Dialer{}).DialContext(ctx, network, address)
			}
			if err != nil {
				*conn = nil
				return nil, err
			}
			return *conn, nil
		}),
	}
	switch s.cfg.TLS {
	case TLSImplicit:
		options = append(options, gomail.WithSSL())
	case TLSStart:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	default:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	}
	if s.cfg.Username != "" {
		auth := gomail.SMTPAuthAutoDiscover
		if s.cfg.TLS == TLSNone {
			auth = gomail.SMTPAuthPlainNoEnc // to this machine, or accepted
		}
		options = append(options, gomail.WithSMTPAuth(auth), gomail.WithUsername(s.cfg.Username), gomail.WithPassword(s.password))
	}
	return options
}

// failed makes a failure of an error, whose text a server may have written. Some repeat what
// they were sent: the password is hidden, also as it goes over the wire.
func (s *System) failed(outcome city.Outcome, err error) error {
	text := err.Error()
	if s.password != "" {
		wire := base64.StdEncoding.EncodeToString
		text = strings.NewReplacer(
			wire([]byte("\x00"+s.cfg.Username+"\x00"+s.password)), "<secret>",
			wire([]byte(s.password)), "<secret>",
			s.password, "<secret>",
		).Replace(text)
	}
	return &city.Failure{Outcome: outcome, Err: fmt.Errorf("mail: %s", strings.TrimSpace(oneLine(clip(text))))}
}

func clip(s string) string {
	const most = 300
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
