package chirpstack

import (
	"meldefunk/city"
	"meldefunk/city/lorawan"
)

// joinServerContext names the session key that ChirpStack has not. With SessionKeyID alone,
// which is not read, the key would have to be asked of a join server.
type joinServerContext struct {
	AppSKey struct {
		KEKLabel string `json:"kekLabel"`
		AESKey   []byte `json:"aesKey"`
	} `json:"appSKey"`
}

// envelope gives the wrapped key with the address that decrypting needs; nil: no wrapped
// key came, or the payload is not encrypted.
func (c *joinServerContext) envelope(devAddr string) (*city.Envelope, error) {
	if c == nil || c.AppSKey.KEKLabel == "" || len(c.AppSKey.AESKey) == 0 {
		return nil, nil
	}
	label, key := c.AppSKey.KEKLabel, c.AppSKey.AESKey
	if len(label) > city.MaxKEKLabel {
		return nil, malformed("joinServerContext.appSKey.kekLabel %.40q has %d bytes: want at most %d", label, len(label), city.MaxKEKLabel)
	}
	if len(key) > city.MaxWrappedKey {
		return nil, malformed("joinServerContext.appSKey.aesKey has %d bytes: want 24", len(key))
	}
	addr, err := lorawan.ParseDevAddr(devAddr)
	if err != nil {
		return nil, malformed("devAddr: %s; an end-to-end encrypted payload cannot be read without it", err)
	}
	return &city.Envelope{KEKLabel: label, Wrapped: key, DevAddr: addr}, nil
}
