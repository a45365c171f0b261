"""Answers as ServiceFusion's reference describes them. It has no SDK, and its reference no example records.

Source: the RAML reference at https://docs.servicefusion.com (API v1), read in the text copy of 2026-04-10 in
SinthetikIndustries/Service-Fusion-MCP, `service-fusion-api-reference.md`; each answer names its type there.
The values are made up, names and types are not. In every type only `_expandable` is required, in a list
`items`, `_expandable` and `_meta`; so each has a `FULL` form, and a `BARE` one that the reference allows.
"""

# typ.CustomerView with typ.CustomerContact, typ.CustomerPhone, typ.CustomerEmail, typ.CustomerLocation
CUSTOMER_FULL = {
    "id": 901234,
    "customer_name": "Maple Dental",
    "fully_qualified_name": "Maple Dental",
    "parent_customer": "Maple Group",
    "account_number": "30021",
    "account_balance": 120.5,
    "private_notes": "Pays late",
    "public_notes": "Ring twice",
    "credit_rating": "A",
    "labor_charge_type": "flat",
    "labor_charge_default_rate": 50.25,
    "last_serviced_date": "2026-10-02T00:00:00+00:00",
    "is_bill_for_drive_time": True,
    "is_vip": False,
    "referral_source": "Google",
    "agent": "Dana Reed",
    "discount": 1.25,
    "discount_type": "%",
    "payment_type": "BILL",
    "payment_terms": "Due Upon Receipt",
    "assigned_contract": "Retail Service Contract",
    "industry": "Dentists",
    "is_taxable": True,
    "tax_item_name": "Sanity Tax",
    "qbo_sync_token": 385,
    "qbo_currency": "USD",
    "qbo_id": None,
    "qbd_id": None,
    "created_at": "2025-01-15T14:20:00+00:00",
    "updated_at": "2026-10-02T18:01:11+00:00",
    "contacts": [
        {
            "prefix": "Mr.",
            "fname": "Lee",
            "lname": "Ho",
            "suffix": "",
            "contact_type": "Billing",
            "dob": "April 19",
            "anniversary": "January 1",
            "job_title": "Manager",
            "department": "Office",
            "created_at": "2025-01-15T14:20:00+00:00",
            "updated_at": "2025-01-15T14:20:00+00:00",
            "is_primary": True,
            "phones": [
                {"phone": "555-0100", "ext": 38, "type": "Mobile", "is_mobile": True, "created_at": None}
            ],
            "emails": [{"email": "lee@maple.example", "class": "Business", "types_accepted": "CONF,INV"}],
        }
    ],
    "locations": [
        {
            "street_1": "1 Elm St",
            "street_2": "",
            "city": "Austin",
            "state_prov": "TX",
            "postal_code": "78701",
            "country": "USA",
            "nickname": "Main",
            "gate_instructions": "Code 12",
            "latitude": 30.26,
            "longitude": -97.74,
            "location_type": "home",
            "is_primary": True,
            "is_gated": False,
            "is_bill_to": True,
            "customer_contact": "Lee Ho",
        }
    ],
    "custom_fields": [],
    "_expandable": [],
}
CUSTOMER_BARE = {"id": 901235, "_expandable": ["contacts", "locations"]}
CUSTOMER_OF_NULLS = {
    **dict.fromkeys(CUSTOMER_FULL),
    "id": 901236,
    "contacts": [{"phones": [{"phone": None, "ext": None}], "emails": [{"email": None}]}, {"phones": None}],
    "locations": [dict.fromkeys(CUSTOMER_FULL["locations"][0])],
    "_expandable": [],
}

# typ.AssignedTech, typ.JobProduct, typ.JobService, typ.JobNote
_TECHNICIAN = {"id": 311, "first_name": "Sam", "last_name": "Ortiz"}
_PRODUCT = {
    "name": "Filter",
    "description": "MERV 13",
    "multiplier": 2,
    "rate": 45.5,
    "total": 91,
    "cost": 20,
    "actual_cost": 20,
    "item_index": 0,
    "parent_index": None,
    "tax": "FEDTAX",
    "product": "1755LFB",
    "product_list_id": 45302,
    "warehouse_id": 200,
}
_SERVICE = {**_PRODUCT, "name": "Inspection", "service": "Inspection", "service_list_id": 45303}
# typ.JobView
JOB_FULL = {
    "id": 778001,
    "number": "1043",
    "check_number": "1877",
    "priority": "Normal",
    "description": "AC not cooling",
    "tech_notes": "Ladder",
    "completion_notes": "",
    "payment_status": "Unpaid",
    "taxes_fees_total": 193.25,
    "drive_labor_total": 50,
    "billable_expenses_total": 10,
    "total": 350,
    "payments_deposits_total": 0,
    "due_total": 350.0,
    "cost_total": 100,
    "duration": 7200,
    "time_frame_promised_start": "14:10",
    "time_frame_promised_end": "16:00",
    "start_date": "2026-11-21",
    "end_date": "2026-11-21",
    "created_at": "2026-11-12T09:00:00+00:00",
    "updated_at": "2026-11-12T09:00:00+00:00",
    "closed_at": "1970-01-01T00:00:00+00:00",
    "customer_id": 901234,
    "customer_name": "Maple Dental",
    "parent_customer": None,
    "status": "Scheduled",
    "sub_status": None,
    "contact_first_name": "Lee",
    "contact_last_name": "Ho",
    "street_1": "1 Elm St",
    "street_2": "",
    "city": "Austin",
    "state_prov": "TX",
    "postal_code": "78701",
    "location_name": "Main",
    "is_gated": False,
    "gate_instructions": None,
    "category": "Service Call",
    "source": "Google",
    "payment_type": "BILL",
    "customer_payment_terms": "Due Upon Receipt",
    "project": None,
    "phase": None,
    "po_number": "PO-7",
    "contract": None,
    "note_to_customer": "Thank you",
    "called_in_by": "Lee",
    "is_requires_follow_up": True,
    "techs_assigned": [_TECHNICIAN],
    "notes": [{"notes": "Called", "created_at": "2026-11-12T09:00:00+00:00", "updated_at": None}],
    "products": [_PRODUCT],
    "services": [_SERVICE],
    "_expandable": ["visits"],
}
JOB_BARE = {"id": 778002, "_expandable": ["techs_assigned"]}
JOB_OF_NULLS = {
    **dict.fromkeys(JOB_FULL),
    "id": 778003,
    "techs_assigned": [dict.fromkeys(_TECHNICIAN)],
    "products": [dict.fromkeys(_PRODUCT)],
}

# typ.EstimateView: no priority, no end_date
ESTIMATE_FULL = {
    **{
        name: value
        for name, value in JOB_FULL.items()
        if name
        not in {"priority", "end_date", "closed_at", "check_number", "completion_notes", "called_in_by"}
    },
    "id": 66010,
    "number": "E-210",
    "status": "Estimate Requested",
    "opportunity_rating": 4,
    "opportunity_owner": "Dana Reed",
    "tags": [{"tag": "Urgent"}],
}
ESTIMATE_BARE = {"id": 66011, "_expandable": []}

# typ.TechView
TECHNICIAN_FULL = {
    "id": 311,
    "first_name": "Sam",
    "last_name": "Ortiz",
    "nickname_on_workorder": "Sam O.",
    "nickname_on_dispatch": "Sam",
    "color_code": "#356a9f",
    "email": "sam@reedhvac.example",
    "phone_1": "555-0111",
    "phone_2": "",
    "gender": "F",
    "department": "HVAC",
    "title": "Lead",
    "bio": "",
    "is_phone_1_mobile": True,
    "is_sales_rep": False,
    "is_field_worker": True,
    "created_at": "2024-03-01T09:00:00+00:00",
    "updated_at": "-0001-11-30T00:00:00+00:00",
    "_expandable": [],
}
TECHNICIAN_BARE = {"id": 312, "_expandable": []}

# typ.EquipmentView
EQUIPMENT_FULL = {
    "id": 12,
    "type": "Furnace",
    "make": "Acme",
    "model": "F-20",
    "sku": "A-1",
    "serial_number": "SN123",
    "location": "Roof",
    "notes": "",
    "extended_warranty_provider": "Acme",
    "is_extended_warranty": False,
    "extended_warranty_date": None,
    "warranty_date": "-0001-11-30T00:00:00+00:00",
    "install_date": "2022-05-01T00:00:00+00:00",
    "created_at": None,
    "updated_at": None,
    "customer_id": 901234,
    "customer": "Maple Dental",
    "customer_location": "Main 1 Elm St Austin",
    "_expandable": ["custom_fields"],
}
EQUIPMENT_BARE = {"id": 13, "_expandable": []}

# typ.JobStatusView; names and categories of a real company from a public note on the live API, 2026-03-05
STATUSES = [
    {"id": 1, "code": "02_SCH", "name": "Scheduled", "is_custom": "0", "category": "OPEN"},
    {"id": 2, "code": "11_CXL", "name": "Cancelled", "is_custom": "0", "category": "OPEN"},
    {"id": 3, "code": "12_CLS", "name": "Job Closed", "is_custom": "0", "category": "CLOSED"},
]

# typ.400Error, typ.404Error; 422 as in the reference's list and as an object of fields, Yii's other form
ERROR_400 = {"code": 400, "name": "Bad Request.", "message": "Filter requested_date is invalid."}
ERRORS_422 = (
    [{"field": "name", "message": "Name is too long (maximum is 45 characters)."}],
    {"name": ["Name is too long (maximum is 45 characters)."]},
    {"name": "Name is too long (maximum is 45 characters)."},
    {"errors": {"name": ["Name is too long (maximum is 45 characters)."]}},
    {
        "code": 422,
        "name": "Unprocessable Entity.",
        "message": {"name": ["Name is too long (maximum is 45 characters)."]},
    },
)


def page(*items, **meta):
    """A list; without `meta` its numbers are missing."""
    found = {"items": list(items), "_expandable": []}
    return {**found, "_meta": meta} if meta else found
