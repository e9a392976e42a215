package listener

import (
	"fmt"
	"testing"
	"time"

	"meldefunk/gateway-bridge/brokertest"
)

// A real mosquitto publishes to us as a bridge, in both versions: what was not acknowledged
// when we went away comes again, on the next connection.
func TestMosquitto(t *testing.T) {
	for version, qos := range map[string]int{"mqttv311": 1, "mqttv50": 2} {
		t.Run(fmt.Sprint(version, " QoS ", qos), func(t *testing.T) {
			t.Parallel() // mosquitto takes its time to connect again
			st := open(t)
			broker := brokertest.Start(t, brokertest.WithLine(fmt.Sprintf(`connection platform
address %s
bridge_protocol_version %s
remote_clientid mosquitto
remote_username lab
remote_password %s
cleansession false
restart_timeout 1
notifications false
topic application/# out %d`, st.address, version, secret, qos)))
			const n = 200
			bodies := make([][]byte, n)
			for i := range bodies {
				bodies[i] = []byte{byte(i)}
			}
			published := make(chan struct{})
			go func() { defer close(published); broker.Publish(topic, bodies...) }()
			acknowledged := map[byte]bool{}
			for range n / 4 {
				a := st.Next()
				a.Acker.Ack()
				acknowledged[a.Message.Body[0]] = true
			}
			taken := st.Next() // and not committed at the stop
			<-published
			st.Stop()
			taken.Acker.Ack() // too late

			again := openAt(t, st.address, DefaultConfig(), []Publisher{lab(t)})
			seen := map[byte]bool{}
			deadline := time.After(patience)
			for len(seen) < n-len(acknowledged) {
				select {
				case a := <-again.Arrivals:
					a.Acker.Ack()
					if b := a.Message.Body[0]; !acknowledged[b] {
						seen[b] = true
					}
				case <-deadline:
					t.Fatalf("%d of %d messages came again", len(seen), n-len(acknowledged))
				}
			}
			if !seen[taken.Message.Body[0]] {
				t.Error("what was taken and not acknowledged did not come again")
			}
		})
	}
}
