package door

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"time"
)

// TLS names PEM files. They are read again at every connection, so that certificates can be
// changed without a restart.
type TLS struct {
	CertFile string `yaml:"cert_file"` // the server's certificate and what it was signed with
	KeyFile  string `yaml:"key_file"`
	// ClientCAFile makes client certificates obligatory, signed by one of these.
	ClientCAFile string `yaml:"client_ca_file"`
	// RevokedFile lists client certificates that are no longer good: a CRL signed by one
	// of ClientCAFile.
	RevokedFile string `yaml:"revoked_file"`
}

// Validate gives every problem, joined, or nil. It does not open files.
func (c TLS) Validate() error {
	var problems []error
	problem := func(text string) { problems = append(problems, errors.New("tls: "+text)) }
	if (c.CertFile == "") != (c.KeyFile == "") {
		problem("cert_file and key_file: give both or neither")
	}
	if c.ClientCAFile != "" && c.CertFile == "" {
		problem("client_ca_file has no effect without cert_file and key_file")
	}
	if c.RevokedFile != "" && c.ClientCAFile == "" {
		problem("revoked_file has no effect without client_ca_file")
	}
	return errors.Join(problems...)
}

// Server checks the files once, and makes of them what reads them anew for each connection;
// nil without a certificate, which is plaintext. The protocols are those of ALPN.
func (c TLS) Server(now func() time.Time, protocols ...string) (*tls.Config, error) {
	if c.CertFile == "" {
		return nil, nil
	}
	if _, err := c.load(now, protocols); err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return c.load(now, protocols) },
	}, nil
}

// load reads the files. Tickets to resume an old session are not given out: they would
// outlive a revocation.
func (c TLS) load(now func() time.Time, protocols []string) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("tls.cert_file, tls.key_file: %w", err)
	}
	out := &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, Time: now,
		SessionTicketsDisabled: true, NextProtos: protocols,
	}
	if c.ClientCAFile == "" {
		return out, nil
	}
	authorities, err := certificates(c.ClientCAFile)
	if err != nil {
		return nil, fmt.Errorf("tls.client_ca_file: %w", err)
	}
	out.ClientAuth, out.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
	for _, a := range authorities {
		out.ClientCAs.AddCert(a)
	}
	if c.RevokedFile == "" {
		return out, nil
	}
	list, err := revocations(c.RevokedFile, authorities)
	if err != nil {
		return nil, fmt.Errorf("tls.revoked_file: %w", err)
	}
	out.VerifyConnection = func(s tls.ConnectionState) error {
		client := s.PeerCertificates[0]
		if !bytes.Equal(client.RawIssuer, list.RawIssuer) {
			return nil
		}
		for _, r := range list.RevokedCertificateEntries {
			if r.SerialNumber.Cmp(client.SerialNumber) == 0 {
				return fmt.Errorf("client certificate %q was revoked", client.Subject.CommonName)
			}
		}
		return nil
	}
	return out, nil
}

// certificates reads every certificate of a PEM file.
func certificates(file string) (all []*x509.Certificate, err error) {
	rest, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: no certificate in it: want PEM", file)
	}
	return all, nil
}

// revocations reads a list (RFC 5280 section 5) that one of the authorities has signed.
func revocations(file string, authorities []*x509.Certificate) (*x509.RevocationList, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil || block.Type != "X509 CRL" {
		return nil, fmt.Errorf("%s: no X509 CRL in it: want PEM", file)
	}
	list, err := x509.ParseRevocationList(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var errs []error
	for _, a := range authorities {
		err := list.CheckSignatureFrom(a)
		if err == nil {
			return list, nil
		}
		errs = append(errs, err)
	}
	return nil, fmt.Errorf("%s: not signed by an authority of client_ca_file: %w", file, errors.Join(errs...))
}
