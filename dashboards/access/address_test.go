package access

import (
	"net/http/httptest"
	"testing"
)

func TestAddress(t *testing.T) {
	a := &Access{cfg: Config{Proxies: []string{"127.0.0.1", "2001:db8:1::1"}}}
	for name, c := range map[string]struct {
		from string
		told []string
		want string
	}{
		"direct":                     {"10.0.0.9:1", nil, "10.0.0.9"},
		"direct, but says otherwise": {"10.0.0.9:1", []string{"203.0.113.9"}, "10.0.0.9"},
		"IPv6":                       {"[2001:db8::aa:1]:1", nil, "2001:db8::/64"},
		"IPv4 in IPv6":               {"[::ffff:10.0.0.9]:1", nil, "10.0.0.9"},
		"proxy":                      {"127.0.0.1:1", []string{"203.0.113.9"}, "203.0.113.9"},
		"proxy that is told lies":    {"127.0.0.1:1", []string{"10.1.1.1, 203.0.113.9"}, "203.0.113.9"},
		"lies in another line":       {"127.0.0.1:1", []string{"10.1.1.1", "203.0.113.9"}, "203.0.113.9"},
		"two proxies":                {"127.0.0.1:1", []string{"10.1.1.1, 2001:db8:5::7, 2001:db8:1::1"}, "2001:db8:5::/64"},
		"proxy without a word":       {"127.0.0.1:1", nil, "127.0.0.1"},
		"proxy with rubbish":         {"127.0.0.1:1", []string{"203.0.113.9, unknown"}, "127.0.0.1"},
		"nothing":                    {"@", nil, "unknown"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		r.RemoteAddr = c.from
		for _, told := range c.told {
			r.Header.Add("X-Forwarded-For", told)
		}
		if got := a.address(r); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
