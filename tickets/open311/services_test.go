package open311

import (
	"net/http"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	services := `[{"service_code":"3.2 a:b","service_name":"voll","type":"realtime","metadata":"false"},
		{"service_code":7,"type":"batch"},{"service_code":"bb","type":"blackbox"}]`
	tests := []struct {
		name string
		m    map[string]string
		body string
		says []string
	}{
		{"there", map[string]string{"OS-ABF-01": "3.2 a:b"}, services, nil},
		{"envelope", map[string]string{"OS-ABF-01": "1"}, `{"services":[{"service_code":1}]}`, nil},
		{"all that is wrong", map[string]string{"OS-A": "x", "OS-B": "7", "OS-C": "bb", "OS-D": "3.2 a:b"}, services,
			[]string{`OS-A: the endpoint has no service "x" among its 3`, `OS-C: service "bb" is of type blackbox`}},
		{"nonsense", map[string]string{"OS-A": "x"}, `{`, []string{"not JSON"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := serve(t, func(_ int, w http.ResponseWriter, c sent) {
				switch c.path {
				case "/services.json":
					writeJSON(w, 200, tt.body)
				case "/requests.json":
					writeJSON(w, 200, `[]`)
				default:
					t.Errorf("asked for %s", c.path)
				}
			})
			cfg := config(t, e.url)
			cfg.ServiceMap = tt.m
			err := client(t, cfg, nobody).Check(t.Context())
			if (err == nil) != (tt.says == nil) {
				t.Fatalf("got %v", err)
			}
			for _, s := range tt.says {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("%q does not say %q", err, s)
				}
			}
		})
	}
}
