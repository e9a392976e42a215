package webhook

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

// server checks the files once and reads them anew for each connection.
func (c TLSConfig) server(now func() time.Time) (*tls.Config, error) {
	if _, err := c.load(now); err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return c.load(now) },
	}, nil
}

// load reads the files. Tickets to resume an old session are not given out: they would
// outlive a revocation.
func (c TLSConfig) load(now func() time.Time) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("tls.cert_file, tls.key_file: %w", err)
	}
	out := &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, Time: now,
		SessionTicketsDisabled: true, NextProtos: []string{"http/1.1"},
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
