"""Forms of one's own account, and of the administration."""

from registry.people.forms.account import (
    AcceptForm,
    ForgotForm,
    NewPasswordForm,
    PasswordForm,
    RequestForm,
    SignInForm,
)
from registry.people.forms.administration import (
    KINDS,
    ApproveForm,
    CodeForm,
    CoverForm,
    InviteForm,
    LeadCoverForm,
    OrganisationForm,
    PersonForm,
    RefuseForm,
    RoleForm,
    UntilForm,
)

__all__ = [
    "KINDS",
    "AcceptForm",
    "ApproveForm",
    "CodeForm",
    "CoverForm",
    "ForgotForm",
    "InviteForm",
    "LeadCoverForm",
    "NewPasswordForm",
    "OrganisationForm",
    "PasswordForm",
    "PersonForm",
    "RefuseForm",
    "RequestForm",
    "RoleForm",
    "SignInForm",
    "UntilForm",
]
