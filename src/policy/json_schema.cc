// The policy file's format for editors: JSON Schema 2020-12. Checks that need
// more than one value (contradictions, paths) are from_toml's alone.
#include "policy/from_toml.h"

namespace carrel::policy {
namespace {

constexpr std::string_view kSchema = R"schema({
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "Carrel policy",
  "description": "What a sandbox may do.",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "profile": {
      "description": "The policy this one adds to: a built-in profile, or \"none\".",
      "enum": ["default", "strict", "cowork", "none"],
      "default": "default"
    },
    "hostname": {
      "description": "The name of the machine inside the sandbox.",
      "type": "string",
      "pattern": "^[A-Za-z0-9][A-Za-z0-9-]{0,63}$",
      "default": "carrel"
    },
    "files": {
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "inherit": { "$ref": "#/$defs/inherit" },
        "write": {
          "description": "Folders and files that can be written, with all below them.",
          "$ref": "#/$defs/paths"
        },
        "read": {
          "description": "Readable again below a hidden folder; takes a path out of an inherited write.",
          "$ref": "#/$defs/paths"
        },
        "hide": {
          "description": "Neither read nor written. Wildcards are allowed.",
          "$ref": "#/$defs/patterns"
        },
        "protect": {
          "description": "Never written, even inside write. Wildcards are allowed.",
          "$ref": "#/$defs/patterns"
        },
        "protect_names": {
          "description": "Never written in any writable folder, at any depth. Relative patterns.",
          "type": "array",
          "uniqueItems": true,
          "items": { "type": "string", "pattern": "^[^/]" }
        },
        "dependencies": {
          "description": "Names of folders of package managers: below them only protected names of git count.",
          "type": "array",
          "uniqueItems": true,
          "items": { "type": "string", "pattern": "^[^/*?]+$" }
        },
        "scratch": {
          "description": "Empty folders of the sandbox's own that vanish at its end.",
          "$ref": "#/$defs/paths"
        }
      }
    },
    "environment": {
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "inherit": { "$ref": "#/$defs/inherit" },
        "pass": {
          "description": "Variables that are passed on: names, or the start of names and a '*'.",
          "type": "array",
          "uniqueItems": true,
          "items": { "type": "string", "pattern": "^[!-)+-<>-~]+\\*?$" }
        },
        "set": {
          "description": "Variables with a value of their own.",
          "type": "object",
          "propertyNames": { "pattern": "^[!-)+-<>-~]+$" },
          "additionalProperties": { "type": "string" }
        }
      }
    },
    "limits": {
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "inherit": { "$ref": "#/$defs/inherit" },
        "memory": { "description": "Of all processes together.", "$ref": "#/$defs/size" },
        "cpus": {
          "description": "CPUs' worth of time: 2, \"1.5\" or \"150%\".",
          "anyOf": [
            { "type": "number", "minimum": 0.01 },
            { "type": "string", "pattern": "^[0-9]+(\\.[0-9]{1,9})? *%?$" }
          ]
        },
        "processes": {
          "description": "Processes and threads.",
          "type": "integer",
          "minimum": 2,
          "maximum": 4294967295
        },
        "open_files": {
          "description": "Of each process.",
          "type": "integer",
          "minimum": 16,
          "maximum": 4294967295
        },
        "file_size": { "description": "Of any one file that is written.", "$ref": "#/$defs/size" },
        "scratch": { "description": "All scratch folders together.", "$ref": "#/$defs/size" },
        "wall_time": {
          "description": "\"30s\", \"10m\", \"1h30m\", or seconds.",
          "anyOf": [
            { "type": "integer", "minimum": 1 },
            { "type": "string", "pattern": "^[0-9]" }
          ]
        },
        "best_effort": {
          "description": "Run although a limit cannot be enforced on this machine.",
          "type": "boolean",
          "default": false
        }
      }
    },
    "network": {
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "inherit": { "$ref": "#/$defs/inherit" },
        "allow": {
          "description": "\"host\", \"host:port\", \"*.host\", \"192.0.2.1\", \"[2001:db8::1]:443\", \"10.0.0.0/8\".",
          "type": "array",
          "uniqueItems": true,
          "items": { "type": "string", "minLength": 1 }
        },
        "deny": {
          "description": "Wins over allow. \"*\" is every host.",
          "type": "array",
          "items": {
            "anyOf": [
              { "type": "string", "minLength": 1 },
              {
                "type": "object",
                "additionalProperties": false,
                "required": ["host"],
                "properties": {
                  "host": { "type": "string", "minLength": 1 },
                  "reason": {
                    "description": "What to do instead; shown to whoever is refused.",
                    "type": "string",
                    "minLength": 1
                  }
                }
              }
            ]
          }
        },
        "host_ports": {
          "description": "Ports of the host's loopback that are reached inside, at localhost: \"5432\".",
          "type": "array",
          "uniqueItems": true,
          "items": { "type": "string", "pattern": "^[1-9][0-9]*$" }
        },
        "publish": {
          "description": "Servers inside that the host reaches: \"8080\", \"8080:80\" (outside, inside), \"192.0.2.1:8080\".",
          "type": "array",
          "uniqueItems": true,
          "items": { "type": "string", "minLength": 1 }
        },
        "unix_sockets": {
          "description": "Which Unix sockets can be reached by path.",
          "enum": ["none", "all"],
          "default": "none"
        },
        "inspect": {
          "description": "Where TLS ends at Carrel, so that requests are seen and credentials put in.",
          "type": "array", "uniqueItems": true,
          "items": { "type": "string", "minLength": 1 }
        },
        "inspect_exclude": {
          "description": "But not there: hosts whose clients pin a certificate, or show one of their own.",
          "type": "array", "uniqueItems": true,
          "items": { "type": "string", "minLength": 1 }
        }
      }
    },
    "gateway": {
      "description": "http://NAME.gateway/ inside stands for a base URL outside.",
      "type": "array",
      "items": {
        "type": "object",
        "additionalProperties": false,
        "required": ["name", "url"],
        "properties": {
          "name": { "type": "string", "pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$" },
          "url": { "type": "string", "pattern": "^https?://[^?#@]+$" }
        }
      }
    },
    "request": {
      "description": "Rules by request. A deny rule wins; where one allows, what none allows is refused.",
      "type": "array",
      "items": {
        "type": "object",
        "additionalProperties": false,
        "required": ["action"],
        "properties": {
          "hosts": { "description": "Where it is for; each of them is inspected.", "$ref": "#/$defs/texts" },
          "gateway": { "description": "The name of a [[gateway]], instead of hosts.", "type": "string" },
          "methods": { "$ref": "#/$defs/methods" },
          "paths": { "$ref": "#/$defs/requestPaths" },
          "action": { "enum": ["allow", "deny"] },
          "reason": { "description": "Of a deny rule: what to do instead.", "type": "string", "minLength": 1 },
          "max_request_bytes": { "description": "Of the request's body.", "$ref": "#/$defs/size" }
        }
      }
    },
    "credential": {
      "description": "A secret of the host that is put into requests outside of the sandbox.",
      "type": "array",
      "items": {
        "type": "object",
        "additionalProperties": false,
        "properties": {
          "name": { "description": "For people and the log.", "type": "string", "minLength": 1 },
          "hosts": { "description": "Where it is for; each of them is inspected.", "$ref": "#/$defs/texts" },
          "gateway": { "description": "The name of a [[gateway]], instead of hosts.", "type": "string" },
          "methods": { "$ref": "#/$defs/methods" },
          "paths": { "$ref": "#/$defs/requestPaths" },
          "header": { "description": "The header that carries it.", "type": "string", "minLength": 1 },
          "scheme": { "description": "A word before it in the header: \"Bearer\".", "type": "string", "minLength": 1 },
          "basic": {
            "description": "Authorization: Basic, with this user name.",
            "type": "object",
            "additionalProperties": false,
            "properties": { "user": { "type": "string", "minLength": 1 } }
          },
          "query": { "description": "The key in the query that carries it.", "type": "string", "minLength": 1 },
          "env": { "description": "The host's variable that holds it.", "type": "string", "minLength": 1 },
          "file": { "description": "The host's file that holds it.", "type": "string", "minLength": 1 },
          "command": {
            "description": "The program of the host that prints it.",
            "type": "array", "minItems": 1, "items": { "type": "string" }
          },
          "only": {
            "description": "Refuse requests that carry another key.",
            "type": "boolean", "default": false
          },
          "placeholder_env": {
            "description": "The variable inside that holds a placeholder for it.",
            "type": "string", "pattern": "^[!-)+-<>-~]+$"
          }
        }
      }
    },
    "system_calls": {
      "type": "object",
      "additionalProperties": false,
      "properties": {
        "inherit": { "$ref": "#/$defs/inherit" },
        "deny": {
          "description": "Refused on top of what always is.",
          "type": "array",
          "uniqueItems": true,
          "items": { "type": "string", "pattern": "^[a-z0-9_]+$" }
        }
      }
    }
  },
  "$defs": {
    "inherit": {
      "description": "false starts this table empty instead of with the profile's.",
      "type": "boolean",
      "default": true
    },
    "paths": {
      "type": "array",
      "uniqueItems": true,
      "items": { "type": "string", "pattern": "^[^*?$][^*?]*$" }
    },
    "methods": {
      "type": "array",
      "minItems": 1,
      "uniqueItems": true,
      "items": { "type": "string", "pattern": "^[!#$%&'*+.^_`|~0-9A-Z-]+$" }
    },
    "requestPaths": {
      "description": "Patterns of the decoded path: '*' within a part of it, '**' for any number of parts.",
      "type": "array",
      "minItems": 1,
      "uniqueItems": true,
      "items": { "type": "string", "pattern": "^/" }
    },
    "patterns": {
      "type": "array",
      "uniqueItems": true,
      "items": { "type": "string", "pattern": "^[^$]" }
    },
    "texts": {
      "type": "array",
      "minItems": 1,
      "uniqueItems": true,
      "items": { "type": "string", "minLength": 1 }
    },
    "size": {
      "anyOf": [
        { "type": "integer", "minimum": 1 },
        {
          "type": "string",
          "pattern": "^[0-9]+(\\.[0-9]{1,9})? *([kKmMgGtT]([iI]?[bB])?|[bB])?$"
        }
      ]
    }
  }
}
)schema";

}  // namespace

std::string json_schema() { return std::string(kSchema); }

}  // namespace carrel::policy
