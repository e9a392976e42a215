package thethings

import (
	"meldefunk/city"
	"meldefunk/city/lorawan"
)

// appSKey is the session key that the application server could not unwrap.
type appSKey struct {
	KEKLabel     string `json:"kek_label"`
	EncryptedKey []byte `json:"encrypted_key"`
}

// envelope gives the wrapped key with the address that decrypting needs; nil: no wrapped
// key came, or the payload is not encrypted.
func (k *appSKey) envelope(devAddr string) (*city.Envelope, error) {
	if k == nil || k.KEKLabel == "" || len(k.EncryptedKey) == 0 {
		return nil, nil
	}
	if len(k.KEKLabel) > city.MaxKEKLabel {
		return nil, malformed("app_s_key.kek_label %.40q has %d bytes: want at most %d", k.KEKLabel, len(k.KEKLabel), city.MaxKEKLabel)
	}
	if len(k.EncryptedKey) > city.MaxWrappedKey {
		return nil, malformed("app_s_key.encrypted_key has %d bytes: want 24", len(k.EncryptedKey))
	}
	addr, err := lorawan.ParseDevAddr(devAddr)
	if err != nil {
		return nil, malformed("end_device_ids.dev_addr: %s; an end-to-end encrypted payload cannot be read without it", err)
	}
	return &city.Envelope{KEKLabel: k.KEKLabel, Wrapped: k.EncryptedKey, DevAddr: addr}, nil
}
