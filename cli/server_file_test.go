package cli

import (
	"testing"

	"orrery.dev/api"
)

// TestLimitsHaveOneDefault holds the defaults that the server's file declares to those
// of a server that is made without it.
func TestLimitsHaveOneDefault(t *testing.T) {
	if declared, made := serverDefaults("127.0.0.1:0").Limits, (api.Limits{}).WithDefaults(); declared != made {
		t.Errorf("the file declares %+v, a server has %+v", declared, made)
	}
}
