package keys

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"meldefunk/city/lorawan"
	"meldefunk/city/register"
)

// export is a device as a join server of somebody else is given it. Its keys are in clear.
type export struct {
	DevEUI  string `json:"dev_eui"`
	JoinEUI string `json:"join_eui"`
	Version string `json:"lorawan_version"`
	AppKey  string `json:"app_key"`
	NwkKey  string `json:"nwk_key,omitempty"`
}

// ExportCSV writes devices with their root keys IN CLEAR, for a join server of somebody else.
// The columns are those of an import: app_key is the one key of LoRaWAN 1.0.x, 1.1 has nwk_key
// as well. Devices without keys are left out; n is how many were written. Nothing is written
// where a key does not open.
func (r *Ring) ExportCSV(w io.Writer, devices []register.Device) (n int, err error) {
	all, err := r.exports(devices)
	if err != nil {
		return 0, err
	}
	lines := [][]string{{"dev_eui", "join_eui", "lorawan_version", "app_key", "nwk_key"}}
	for _, e := range all {
		lines = append(lines, []string{e.DevEUI, e.JoinEUI, e.Version, e.AppKey, e.NwkKey})
	}
	return len(all), csv.NewWriter(w).WriteAll(lines)
}

// ExportJSON writes the same as a JSON array.
func (r *Ring) ExportJSON(w io.Writer, devices []register.Device) (n int, err error) {
	all, err := r.exports(devices)
	if err != nil {
		return 0, err
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return len(all), e.Encode(all)
}

func (r *Ring) exports(devices []register.Device) ([]export, error) {
	all := []export{}
	var errs []error
	for _, d := range devices {
		if d.Keys.None() {
			continue
		}
		keys, err := r.OpenRoot(d.Keys)
		if err != nil {
			errs = append(errs, fmt.Errorf("device %s: %w", d.DevEUI, err))
			continue
		}
		e := export{DevEUI: d.DevEUI.String(), JoinEUI: d.JoinEUI.String(), Version: string(d.Version), AppKey: digits(keys.Nwk)}
		if d.Version.Two() {
			e.AppKey, e.NwkKey = digits(keys.App), digits(keys.Nwk)
		}
		all = append(all, e)
	}
	return all, errors.Join(errs...)
}

// digits writes a key; "" where there is none.
func digits(k lorawan.Key) string {
	if k.IsZero() {
		return ""
	}
	return k.Hex()
}
