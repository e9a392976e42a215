package api

import (
	"slices"
	"time"
)

// statusBody is how the platform is.
type statusBody struct {
	Ready   bool      `json:"ready"` // uplinks become readings
	Version string    `json:"version"`
	Time    time.Time `json:"time"` // the platform's clock, whole seconds
	Assets  int       `json:"assets"`
	Viewers int       `json:"viewers"` // of what is new
	Checks  []Check   `json:"checks"`
}

func (a *API) status(call) (any, error) {
	checks := a.opt.Ready()
	return statusBody{
		Ready:   !slices.ContainsFunc(checks, func(c Check) bool { return !c.OK }),
		Version: a.opt.Version, Time: a.opt.Now().UTC().Truncate(time.Second), Assets: len(a.opt.Inventory.Assets()), Viewers: a.opt.Hub.Viewers(), Checks: checks,
	}, nil
}
