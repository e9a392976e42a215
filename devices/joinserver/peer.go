package joinserver

import (
	"crypto/x509"
	"net/http"
	"slices"
	"strings"

	"meldefunk/city/door"
	"meldefunk/city/lorawan"
)

// known gives the peers as which a request may ask, by what it shows: its client certificate
// and its token. None: it comes from a stranger.
func (s *Server) known(r *http.Request) []*Peer {
	var certificate *x509.Certificate
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		certificate = r.TLS.PeerCertificates[0] // verified: see door.TLS
	}
	bearer, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(bearer, "Bearer") {
		token = ""
	}
	var all []*Peer
	for i := range s.cfg.Peers {
		p := &s.cfg.Peers[i]
		if p.Certificate != "" && !bears(certificate, p.Certificate) {
			continue
		}
		if p.hasToken() {
			want, err := p.token()
			if err != nil {
				s.complain(r, p.Name, err.Error())
				continue
			}
			if !door.Same(token, want) {
				continue
			}
		}
		all = append(all, p)
	}
	return all
}

// token reads it anew, so that it can be changed without a restart.
func (p *Peer) token() (string, error) {
	return door.Secret{File: p.TokenFile, Env: p.TokenEnv}.Read("token")
}

// bears tells whether a client certificate has a name.
func bears(c *x509.Certificate, name string) bool {
	return c != nil && (c.Subject.CommonName == name || slices.Contains(c.DNSNames, name))
}

// as gives the one of some peers that has a role and a SenderID, nil if none does.
func as(peers []*Peer, role Role, senderID string) *Peer {
	for _, p := range peers {
		if p.Role != role {
			continue
		}
		if role == ApplicationServer && p.ID == senderID {
			return p
		}
		if role == NetworkServer {
			if id, err := lorawan.ParseNetID(noPrefix(senderID)); err == nil && id == p.netID() {
				return p
			}
		}
	}
	return nil
}

// netID is that of a network server, whose ID Validate has read.
func (p *Peer) netID() lorawan.NetID {
	id, _ := lorawan.ParseNetID(p.ID)
	return id
}
