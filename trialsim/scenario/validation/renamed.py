"""What older study files call by another name, so that a message can offer the new one."""

from typing import Final

KEYS: Final = {
    "among": "subgroup",
    "discontinuation": "intercurrent",
    "elsewhere": "effect_outside",
    "patient_share": "within_patient_correlation",
    "recovery_days": "time_constant_days",
}
CHOICES: Final = {
    "efficacy": ("full_analysis_set",),
    "null": ("null_variance", "no_effect"),
}
"""The new names of a choice, of which a field has one; YAML reads an unquoted null as nothing."""
